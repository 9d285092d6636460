"""Small demands for tests."""

from __future__ import annotations

from typing import Any

from scripts.capacity.cache import Cache
from scripts.capacity.demand import Catalogue, Demand, Region, Server
from scripts.capacity.places import planned
from scripts.capacity.reckoning import Capacity, reckon

CATALOGUE = Catalogue(titles=1_000, title_bytes=10**9)
SERVER = Server("s", 10**9, 10**11, 1, monthly_price=50.0, monthly_price_per_terabyte=4.0)


def made(**said: Any) -> Demand:
    """A demand of 10 GB/s over 1,000 titles in two regions, but for what is said."""
    values: dict[str, Any] = {
        "peak_bytes_per_second": 10**10,
        "servers": (SERVER,),
        "catalogue": CATALOGUE,
        "regions": (Region("a", 0.75, 3), Region("b", 0.25, 2)),
    }
    return Demand(**(values | said))


def reckoned(demand: Demand, held_bytes: float | None = None) -> Capacity:
    """What it comes to with its first kind of server."""
    cache = Cache(demand.catalogue, demand.policy)
    return reckon(demand, planned(demand), demand.servers[0], cache, held_bytes)
