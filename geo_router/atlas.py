"""In which order sites are tried for a place.

Home first (the site an address prefix names, else the nearest site that has edges), then home's
fallback list, then all others by great-circle distance; sites that may not serve the viewer's
country are left out. Orders are computed once per place and kept; health and load play no part
here (`choose`). Pure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from config.topology import Site
from geo_router.place import Place, Square, Vector, distance_km, square_of, to_vector

_ORDERS_MAX: Final = 8192
"""About 4 KB each at 500 sites."""


@dataclass(frozen=True, slots=True)
class Order:
    """Sites by index: home, then `fallbacks` of them from its list, then the rest by distance."""

    sites: tuple[int, ...]
    fallbacks: int
    viewer: Vector
    home_km: float | None
    """From the viewer's place to home, to a tenth; none when there is no site."""

    @property
    def square(self) -> Square:
        """Where the viewer is, as far as anybody is told."""
        return square_of(self.viewer)


class Atlas:
    """The sites of one topology and the orders of the places seen so far."""

    def __init__(self, sites: Sequence[Site], populated: Collection[str]) -> None:
        """`populated` names the sites that have edges; only these are anybody's nearest."""
        self.names = tuple(site.name for site in sites)
        self._index = {name: index for index, name in enumerate(self.names)}
        self._vectors = tuple(to_vector(site.latitude, site.longitude) for site in sites)
        self._fallbacks = tuple(
            tuple(self._index[name] for name in site.fallback if name in self._index)
            for site in sites
        )
        self._populated = tuple(i for i, name in enumerate(self.names) if name in populated)
        self._countries = tuple(frozenset(map(str.upper, site.countries)) for site in sites)
        self._is_restricted = any(self._countries)
        self._orders: dict[object, Order] = {}

    def __contains__(self, site: str) -> bool:
        return site in self._index

    def index(self, site: str) -> int:
        """The number of a site in orders."""
        return self._index[site]

    def order(self, place: Place) -> Order:
        """The order for a place. A place that says nothing usable is put at the first site."""
        key: object = place.site or place.coordinates or ""
        if self._is_restricted:
            key = (key, place.country)
        order = self._orders.get(key)
        if order is None:
            # Emptied whole when full: refilling costs less than keeping an order of use.
            if len(self._orders) >= _ORDERS_MAX:
                self._orders.clear()
            order = self._orders[key] = self._compute(place)
        return order

    def distance_km(self, order: Order, site: int) -> float:
        """From the viewer's place to a site, to a tenth."""
        return self._distance_km(order.viewer, site)

    def _compute(self, place: Place) -> Order:
        home = self._index.get(place.site)
        if home is None and place.coordinates is None:
            home = next(iter(self._populated), None)
        if home is not None:
            viewer = self._vectors[home]
        else:
            viewer = to_vector(*(place.coordinates or (0.0, 0.0)))
        allowed = [site for site in self._populated if self._may_serve(site, place)]
        by_distance = sorted(allowed, key=lambda site: math.dist(viewer, self._vectors[site]))
        if home is None or not self._may_serve(home, place):
            if not by_distance:
                return Order((), 0, viewer, None)
            home = by_distance[0]
        fallbacks = (site for site in self._fallbacks[home] if self._may_serve(site, place))
        first = dict.fromkeys((home, *fallbacks))
        rest = (site for site in by_distance if site not in first)
        return Order((*first, *rest), len(first) - 1, viewer, self._distance_km(viewer, home))

    def _distance_km(self, viewer: Vector, site: int) -> float:
        return round(distance_km(viewer, self._vectors[site]), 1)

    def _may_serve(self, site: int, place: Place) -> bool:
        countries = self._countries[site]
        # Who writes a prefix for a site has said that its viewers may be served there.
        return not countries or place.country in countries or self.names[site] == place.site
