"""From sums of bytes to rows with a cost. Pure.

A price is per 10^12 bytes. Sites without prices of their own share those of the topology, and so
does an edge that the topology does not know any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cdnkit.wire import Traffic
from config.keeping import Prices
from config.topology import Topology
from origin.catalog.traffic import Summed

TERABYTE: Final = 10**12
COMMON: Final = ""
"""The group of edges whose site has no prices of its own."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """`by_group` has COMMON and the sites with prices of their own; `groups` are their edges."""

    currency: str
    by_group: Mapping[str, Prices]
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes by kind, and what they cost, of one title, edge or day."""

    key: str
    size_bytes: Mapping[Traffic, int]
    cost: float


def price_list(topology: Topology) -> PriceList:
    """The prices of a topology."""
    own = {
        site.name: site.traffic_prices for site in topology.sites if site.traffic_prices is not None
    }
    groups = {edge.name: edge.site for edge in topology.edges if edge.site in own}
    return PriceList(
        topology.costs.currency, {COMMON: topology.costs.traffic_prices, **own}, groups
    )


def price_of(prices: Prices, kind: Traffic) -> float:
    """What a terabyte of a kind costs."""
    match kind:
        case Traffic.EDGE:
            return prices.edge_terabyte
        case Traffic.SHIELD:
            return prices.shield_terabyte
        case Traffic.ORIGIN:
            return prices.origin_terabyte
        case _:
            return prices.fill_terabyte


def costs_of(summed: Iterable[Summed], prices: PriceList) -> list[Cost]:
    """One for each key, the dearest first, then the one with most bytes."""
    size_bytes: dict[str, dict[Traffic, int]] = {}
    cost: dict[str, float] = {}
    for each in summed:
        kinds = size_bytes.setdefault(each.key, dict.fromkeys(Traffic, 0))
        kinds[each.kind] += each.size_bytes
        price = price_of(prices.by_group[each.group], each.kind)
        cost[each.key] = cost.get(each.key, 0.0) + each.size_bytes * price / TERABYTE
    costs = [Cost(key, kinds, cost[key]) for key, kinds in size_bytes.items()]
    return sorted(costs, key=lambda each: (-each.cost, -sum(each.size_bytes.values()), each.key))


def total_of(costs: Iterable[Cost]) -> Cost:
    """All of them as one, without a key."""
    kinds, cost = dict.fromkeys(Traffic, 0), 0.0
    for each in costs:
        cost += each.cost
        for kind, size_bytes in each.size_bytes.items():
            kinds[kind] += size_bytes
    return Cost("", kinds, cost)
