"""Where viewers are served from: the sites a demand file counts, or those of a topology.

A region of the demand meets a site of the topology by the site's name or by its region; a demand
with one region means all sites. Sites of a region take equal parts of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from config.complaints import did_you_mean
from config.topology import EdgeNode, Site, Topology
from scripts.capacity.demand import Demand, Region, Server
from scripts.cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Standing:
    """What a site has already; bytes of all its servers together."""

    servers: int
    bytes_per_second: float
    disks: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """`count` sites that are alike, and what each is asked for at the peak."""

    name: str
    region: str
    count: int
    peak_bytes_per_second: float
    shared: bool
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """All places, and the disk of the shields of each region, by its name."""

    places: tuple[Place, ...]
    shield_bytes: dict[str, int]


def planned(demand: Demand) -> Layout:
    """The sites that a demand file counts."""
    places = tuple(
        Place(
            region.name,
            region.name,
            region.sites,
            demand.peak_bytes_per_second * region.share / region.sites,
            demand.layout == "shared",
        )
        for region in demand.regions
    )
    return Layout(places, {each.name: demand.shield_disk_bytes for each in demand.regions})


def standing(demand: Demand, topology: Topology, kind: Server) -> Layout:
    """The sites of a topology; what its edges can send is that of `kind` where they do not say.

    Raises UsageError when a region has no site.
    """
    places: list[Place] = []
    shield_bytes: dict[str, int] = {}
    for region in demand.regions:
        sites = _sites_of(region, demand, topology)
        asked = {name for site in sites for name in site.shields}
        shields = [each for each in topology.edges if each.name in asked]
        shield_bytes[region.name] = sum(map(_disk_bytes, shields))
        peak = demand.peak_bytes_per_second * region.share / len(sites)
        for site in sites:
            here = _standing_of(_edges_at(site, topology), kind)
            shared = site.peers or here.servers == 1
            places.append(Place(site.name, region.name, 1, peak, shared, here))
    return Layout(tuple(places), shield_bytes)


def _sites_of(region: Region, demand: Demand, topology: Topology) -> list[Site]:
    manned = [site for site in topology.sites if _edges_at(site, topology)]
    found = [site for site in manned if region.name in (site.name, site.region)]
    if not found and len(demand.regions) == 1:
        found = manned
    if not found:
        names = {name for site in manned for name in (site.name, site.region) if name}
        hint = did_you_mean(region.name, sorted(names)) or "give a site edges"
        raise UsageError(f"no site with edges is or lies in the region {region.name!r}; {hint}")
    return found


def _edges_at(site: Site, topology: Topology) -> list[EdgeNode]:
    return [edge for edge in topology.open_edges() if edge.site == site.name]


def _standing_of(edges: list[EdgeNode], kind: Server) -> Standing:
    rates = (edge.capacity_bits_per_second / 8 or kind.bytes_per_second for edge in edges)
    disks = sum(len(edge.disks) for edge in edges)
    return Standing(len(edges), math.fsum(rates), disks, sum(map(_disk_bytes, edges)))


def _disk_bytes(edge: EdgeNode) -> int:
    return sum(disk.size_bytes for disk in edge.disks)
