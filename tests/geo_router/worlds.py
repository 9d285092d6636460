"""Small topologies and fleets for the router's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from config.locating import Geo
from config.topology import Address, EdgeNode, RouterNode, RouterSettings, Site, Topology
from geo_router.fleet import Fleet, Limits, Observation, Result

FRA = Site("fra", 50.1, 8.7, fallback=("nyc",))
AMS = Site("ams", 52.4, 4.9)
NYC = Site("nyc", 40.7, -74.0)
SGP = Site("sgp", 1.35, 103.8)
SITES = (FRA, AMS, NYC, SGP)

READY = Observation(Result.ANSWERED, "ready", 0.001)
BUSY = Observation(Result.ANSWERED, "ready", 0.001, load=1.2)
FAILED = Observation(Result.FAILED, "cannot connect")
TIMED_OUT = Observation(Result.TIMED_OUT, "no answer within 0.8 s")
DRAINING = Observation(Result.DRAINING, "says it is draining")


def edge(name: str, site: str, port: int = 9000, weight: float = 1.0) -> EdgeNode:
    return EdgeNode(name, site, Address("127.0.0.1", port), (), weight=weight)


def edges_of(sites: Mapping[str, int]) -> list[EdgeNode]:
    """So many edges for each site: fra-0, fra-1, ..."""
    return [edge(f"{site}-{i}", site, 9000 + i) for site, n in sites.items() for i in range(n)]


def fleet_of(edges: Sequence[EdgeNode], limits: Limits | None = None) -> Fleet:
    """A fleet in which every edge is up."""
    fleet = Fleet([e.name for e in edges], limits or Limits(2, 3), 0.0)
    for e in edges:
        fleet.observe(e.name, READY, 1.0)
    return fleet


def take_down(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.observe(name, FAILED, 2.0)
        fleet.observe(name, FAILED, 3.0)


def router_node(settings: RouterSettings | None = None) -> RouterNode:
    return RouterNode("router-1", Address("127.0.0.1", 0), settings=settings or RouterSettings())


def topology_of(edges: Sequence[EdgeNode], geo: Geo | None = None) -> Topology:
    return Topology(sites=SITES, edges=tuple(edges), geo=geo)
