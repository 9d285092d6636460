"""A topology and films to place in it."""

from __future__ import annotations

from config.filling import Fill
from config.topology import Address, CacheDisk, EdgeNode, EdgeSettings, Site, Topology
from origin.placement.stock import Part, Stock

GB = 10**9
MIB = 1 << 20


def edge_of(name: str, site: str, fill: Fill | None = None, weight: float = 1.0) -> EdgeNode:
    """An edge with 100 GB."""
    return EdgeNode(
        name,
        site,
        Address("127.0.0.1", 9000),
        (CacheDisk("a", 60 * GB), CacheDisk("b", 40 * GB)),
        weight=weight,
        settings=EdgeSettings(fill=fill or Fill()),
    )


def topology_of(sites: list[Site], *edges: EdgeNode) -> Topology:
    """Nothing but sites and edges."""
    return Topology(sites=tuple(sites), edges=edges)


def film(title: str, size_bytes: int = 10 * GB) -> Stock:
    """A film of one object and a playlist."""
    small = Part(f"play/{title}/index.m3u8", 1_000)
    large = Part(f"play/{title}/video.mp4", size_bytes - 1_000)
    return Stock(title, f"/{small.key}", [small, large])
