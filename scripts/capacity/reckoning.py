"""The arithmetic of a capacity: servers, disks, links, what comes from where, and the cost.

Pure. Every figure is made from figures above it, and each making is a `Step` that can be shown.
All that is sent in a second is sent at the peak, when caches answer as they always do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from scripts.capacity.cache import Cache
from scripts.capacity.demand import Demand, Link, Server
from scripts.capacity.hits import held_shares, hit_ratio
from scripts.capacity.places import Layout, Place
from scripts.capacity.popularity import Class
from scripts.capacity.steps import Step, amount, count

DAY_SECONDS: Final = 86_400
MONTH_SECONDS: Final = 30 * DAY_SECONDS
_TERABYTE: Final = 10**12
_ROUNDING: Final = 1e-9
"""Shares of a peak are floats: a server is not bought for what they are off by."""


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """What each of `count` sites that are alike comes to; bytes a second at the peak."""

    name: str
    count: int
    peak_bytes_per_second: float
    servers: int
    servers_needed: int
    disks: int
    disk_bytes: float
    held_bytes: float
    hit_ratio: float
    upstream_bytes_per_second: float
    viewer_links: int
    upstream_links: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a month costs."""

    servers: float
    disks: float
    links: float
    origin: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.servers + self.disks + self.links + self.origin


@dataclass(frozen=True, slots=True)
class Capacity:
    """What serving a demand with one kind of server takes."""

    server: str
    sites: tuple[SiteFigures, ...]
    viewers: float
    servers: int
    servers_needed: int
    disks: int
    disk_bytes: float
    viewer_links: int
    upstream_links: int
    hit_ratio: float
    upstream_bytes_per_second: float
    shield_disk_bytes: int
    origin_bytes_per_second: float
    origin_servers: int
    origin_disk_bytes: int
    cost: Cost
    price_per_served_terabyte: float
    steps: tuple[Step, ...] = field(repr=False)


def reckon(
    demand: Demand, layout: Layout, kind: Server, cache: Cache, held_bytes: float | None = None
) -> Capacity:
    """What it takes, with the steps to it.

    With `held_bytes` the disks of each site, or of each server that caches for itself, have this
    size instead of that of the kind or of the topology.
    """
    steps = [
        Step(
            "catalogue",
            f"{count(demand.catalogue.titles)} titles x {amount(demand.catalogue.title_bytes)}",
            amount(cache.bytes),
        ),
        _viewers(demand),
    ]
    sites = tuple(_site(demand, each, kind, cache, held_bytes, steps) for each in layout.places)
    origin = math.fsum(
        _from_origin(demand, layout, region, sites, cache, steps) for region in layout.shield_bytes
    )
    return _total(demand, layout, kind, cache, sites, origin, steps)


def sweep(
    demand: Demand, layout: Layout, kind: Server, cache: Cache, shares: Sequence[float]
) -> list[Capacity]:
    """The same where each site (or server, for itself) holds each of `shares` of the catalogue."""
    return [reckon(demand, layout, kind, cache, share * cache.bytes) for share in shares]


def _viewers(demand: Demand) -> Step:
    peak, each = demand.peak_bytes_per_second, demand.stream_bytes_per_second
    return Step("viewers", f"{amount(peak, '/s')} / {amount(each, '/s')}", count(peak / each))


def _site(
    demand: Demand,
    place: Place,
    kind: Server,
    cache: Cache,
    held_bytes: float | None,
    steps: list[Step],
) -> SiteFigures:
    peak, there = place.peak_bytes_per_second, place.standing
    needed = _servers(demand, place, kind, steps)
    servers = needed if there is None else there.servers
    disks = needed * kind.disks if there is None else there.disks
    disk_bytes = float(disks * kind.disk_bytes if there is None else there.disk_bytes)
    if held_bytes is not None:
        disk_bytes = held_bytes if place.shared else held_bytes * servers
    sharers = 1 if place.shared else servers
    held = min(float(cache.bytes), disk_bytes / sharers)
    ratio, _ = cache.answers(held)
    new = sharers * _new_bytes_per_second(demand)
    upstream = peak * (1 - ratio) + new
    steps += [
        Step(
            f"held by a {'site' if place.shared else 'server'} in {place.name}",
            f"{count(disks / sharers)} disks x {amount(disk_bytes / disks)}, at most all",
            f"{amount(held)} ({held / cache.bytes:.2%} of the catalogue)",
        ),
        Step("  its hit ratio", f"{_source(cache)} at that size", f"{ratio:.2%}"),
        Step(
            "  it fetches",
            f"{amount(peak, '/s')} x (1 - {ratio:.4f}){_plus_new(new)}",
            amount(upstream, "/s"),
        ),
    ]
    return SiteFigures(
        name=place.name,
        count=place.count,
        peak_bytes_per_second=peak,
        servers=servers,
        servers_needed=needed,
        disks=disks,
        disk_bytes=disk_bytes,
        held_bytes=held,
        hit_ratio=ratio,
        upstream_bytes_per_second=upstream,
        viewer_links=_units(peak, demand.viewer_link.bytes_per_second),
        upstream_links=_units(upstream, demand.upstream_link.bytes_per_second),
    )


def _servers(demand: Demand, place: Place, kind: Server, steps: list[Step]) -> int:
    """Servers that a site needs for its peak."""
    there = place.standing
    rate = kind.bytes_per_second if there is None else there.bytes_per_second / there.servers
    needed = _units(place.peak_bytes_per_second, rate * demand.used_share) + demand.spare_servers
    used = "" if demand.used_share == 1 else f" x {demand.used_share:g}"
    spare = f" + {demand.spare_servers} spare" if demand.spare_servers else ""
    steps.append(
        Step(
            f"servers of a site in {place.name}",
            f"{amount(place.peak_bytes_per_second, '/s')} / ({amount(rate, '/s')}{used}){spare}",
            count(needed),
        )
    )
    return needed


def _from_origin(
    demand: Demand,
    layout: Layout,
    region: str,
    sites: Sequence[SiteFigures],
    cache: Cache,
    steps: list[Step],
) -> float:
    """Bytes a second that a region takes from origins."""
    pairs = zip(layout.places, sites, strict=True)
    own = [(place, site) for place, site in pairs if place.region == region]
    upstream = math.fsum(site.count * site.upstream_bytes_per_second for _, site in own)
    shield_bytes = min(layout.shield_bytes[region], cache.bytes)
    if not shield_bytes:
        return upstream
    weights = [place.count * place.peak_bytes_per_second for place, _ in own]
    classes = _together([cache.answers(site.held_bytes)[1] for _, site in own], weights)
    ratio = hit_ratio(classes, held_shares(classes, shield_bytes, cache.policy))
    new = _new_bytes_per_second(demand)
    missing = math.fsum(
        site.count * site.peak_bytes_per_second * (1 - site.hit_ratio) for _, site in own
    )
    origin = missing * (1 - ratio) + new
    steps.append(
        Step(
            f"{region} takes from origins, past {amount(shield_bytes)} of shields",
            f"{amount(missing, '/s')} x (1 - {ratio:.4f}){_plus_new(new)}",
            amount(origin, "/s"),
        )
    )
    return origin


def _total(
    demand: Demand,
    layout: Layout,
    kind: Server,
    cache: Cache,
    sites: tuple[SiteFigures, ...],
    origin: float,
    steps: list[Step],
) -> Capacity:
    peak = math.fsum(site.count * site.peak_bytes_per_second for site in sites)
    hits = math.fsum(s.count * s.peak_bytes_per_second * s.hit_ratio for s in sites) / peak
    servers = sum(site.count * site.servers for site in sites)
    disk_bytes = sum(site.count * site.disk_bytes for site in sites)
    viewer_links = sum(site.count * site.viewer_links for site in sites)
    upstream_links = sum(site.count * site.upstream_links for site in sites)
    origin_servers = max(1, _units(origin, kind.bytes_per_second * demand.used_share))
    origin_disk = cache.bytes * demand.copies
    shield_bytes = sum(layout.shield_bytes.values())
    per_byte = kind.monthly_price_per_terabyte / _TERABYTE
    cost = Cost(
        servers * kind.monthly_price,
        (disk_bytes + shield_bytes) * per_byte,
        _priced(viewer_links, demand.viewer_link) + _priced(upstream_links, demand.upstream_link),
        origin_servers * kind.monthly_price + origin_disk * per_byte,
    )
    served = peak * demand.mean_share * MONTH_SECONDS
    mean = f"{amount(peak, '/s')} x {demand.mean_share:g} x {MONTH_SECONDS:,} s"
    steps += [
        Step("servers", _summed(sites, "servers"), count(servers)),
        Step("links to viewers", _summed(sites, "viewer_links"), count(viewer_links)),
        Step("links upstream", _summed(sites, "upstream_links"), count(upstream_links)),
        Step(
            "origin servers",
            f"{amount(origin, '/s')} / {amount(kind.bytes_per_second, '/s')}, at least 1",
            count(origin_servers),
        ),
        Step("origin disks", f"{demand.copies} x {amount(cache.bytes)}", amount(origin_disk)),
        Step("served in a month", mean, amount(served)),
        Step(
            "cost of a month",
            f"servers {count(cost.servers)} + disks {count(cost.disks)} + links "
            f"{count(cost.links)} + origin {count(cost.origin)}",
            count(cost.total),
        ),
    ]
    return Capacity(
        server=kind.name,
        sites=sites,
        viewers=peak / demand.stream_bytes_per_second,
        servers=servers,
        servers_needed=sum(site.count * site.servers_needed for site in sites),
        disks=sum(site.count * site.disks for site in sites),
        disk_bytes=disk_bytes,
        viewer_links=viewer_links,
        upstream_links=upstream_links,
        hit_ratio=hits,
        upstream_bytes_per_second=math.fsum(s.count * s.upstream_bytes_per_second for s in sites),
        shield_disk_bytes=shield_bytes,
        origin_bytes_per_second=origin,
        origin_servers=origin_servers,
        origin_disk_bytes=origin_disk,
        cost=cost,
        price_per_served_terabyte=cost.total / served * _TERABYTE,
        steps=tuple(steps),
    )


def _together(parts: Sequence[tuple[Class, ...]], weights: Sequence[float]) -> tuple[Class, ...]:
    """What several places ask for, each as often as its weight says."""
    return tuple(
        Class(
            math.fsum(each.rate * weight for each, weight in zip(alike, weights, strict=True)),
            alike[0].size_bytes,
        )
        for alike in zip(*parts, strict=True)
    )


def _new_bytes_per_second(demand: Demand) -> float:
    """What one cache has to fetch of new titles, spread over the day."""
    catalogue = demand.catalogue
    return catalogue.new_titles_per_day * catalogue.title_bytes / DAY_SECONDS


def _plus_new(new: float) -> str:
    return f" + {amount(new, '/s')} of new titles" if new else ""


def _units(wanted: float, each: float) -> int:
    return math.ceil(wanted / each * (1 - _ROUNDING))


def _priced(links: int, link: Link) -> float:
    return links * link.monthly_price


def _source(cache: Cache) -> str:
    if cache.measured is not None:
        return "as measured"
    return f"{cache.policy} over {cache.catalogue.popularity}"


def _summed(sites: Sequence[SiteFigures], name: str) -> str:
    shown = [f"{count(site.count)} x {count(getattr(site, name))}" for site in sites[:6]]
    return " + ".join(shown) + (f" + {len(sites) - 6} more" if len(sites) > 6 else "")
