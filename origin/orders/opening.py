"""Puts the parts of orders together for one origin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.topology import Topology
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import Jobs
from origin.catalog.orders import Orders
from origin.orders.followers import Followers
from origin.orders.handlers import OrderHandlers
from origin.orders.orders import Maker
from origin.orders.titles import TitleParts
from origin.requests import Authorize


@dataclass(frozen=True, slots=True)
class OrderParts:
    """Handlers, and who follows the journal."""

    handlers: OrderHandlers
    followers: Followers
    maker: Maker

    def adopt(self, topology: Topology) -> None:
        """From now on orders are for these edges."""
        self.maker.adopt(topology.edges)


def open_orders(
    topology: Topology,
    catalog: Catalog,
    authorize: Authorize,
    report: Callable[[str], None],
    now: Callable[[], float],
) -> OrderParts:
    """Orders over an opened catalog."""
    orders = Orders(catalog, now)
    titles = TitleParts(catalog, Jobs(catalog.database, now))
    maker = Maker(orders, titles, topology.edges, now)
    return OrderParts(
        OrderHandlers(orders, maker, authorize, now), Followers(orders, report), maker
    )
