"""Checks on sites, edges and the address table: every viewer has somewhere to go."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final, TypeAlias

from config.complaints import did_you_mean
from config.findings import Check, Finding, duplicates
from config.topology import Topology

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def _site_names(topology: Topology) -> list[str]:
    return [site.name for site in topology.sites]


def _require_site(topology: Topology, path: str, name: str) -> Iterator[Finding]:
    known = _site_names(topology)
    if name not in known:
        hint = did_you_mean(name, known) if known else "list it under sites"
        yield Finding(path, f"no site is named {name!r}", hint)


def site_names_differ(topology: Topology) -> Iterator[Finding]:
    """Each site has a name of its own."""
    yield from duplicates((f"sites[{i}].name", site.name) for i, site in enumerate(topology.sites))


def edges_stand_in_known_sites(topology: Topology) -> Iterator[Finding]:
    """The site of an edge exists."""
    for number, edge in enumerate(topology.edges):
        yield from _require_site(topology, f"edges[{number}].site", edge.site)


def fallbacks_are_other_sites(topology: Topology) -> Iterator[Finding]:
    """Fallback sites exist, are not the site itself, and are named once."""
    for number, site in enumerate(topology.sites):
        for place, name in enumerate(site.fallback):
            path = f"sites[{number}].fallback[{place}]"
            if name == site.name:
                yield Finding(path, "a site cannot fall back to itself", "remove it")
            elif name in site.fallback[:place]:
                yield Finding(path, f"{name!r} is listed twice", "remove it")
            else:
                yield from _require_site(topology, path, name)


def sites_can_take_viewers(topology: Topology) -> Iterator[Finding]:
    """A site with edges has at least one that takes a share of its viewers."""
    weights: dict[str, list[tuple[int, float]]] = {}
    for number, edge in enumerate(topology.edges):
        if edge.role == "shield":
            continue
        weights.setdefault(edge.site, []).append((number, edge.weight))
    for site, edges in weights.items():
        if all(weight == 0 for _, weight in edges):
            message = f"every edge of site {site!r} has weight 0, so it takes no viewer"
            yield Finding(f"edges[{edges[0][0]}].weight", message, "give one a weight above 0")


def routers_have_edges(topology: Topology) -> Iterator[Finding]:
    """A router has somewhere to send viewers."""
    if topology.routers and not topology.open_edges():
        yield Finding("routers", "there is no edge to send viewers to", "list one under edges")


def default_site_exists(topology: Topology) -> Iterator[Finding]:
    """Unplaced addresses go to a site that exists."""
    if topology.geo is not None:
        yield from _require_site(topology, "geo.default_site", topology.geo.default_site)


def _parse_network(path: str, text: str) -> _Network | Finding:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return Finding(path, f"{text!r} is not an address prefix", "write it like 10.1.0.0/16")
    return Finding(path, f"{text!r} has bits set behind the prefix", f"did you mean '{meant}'?")


def prefixes_are_networks(topology: Topology) -> Iterator[Finding]:
    """Address prefixes parse, are given once however written, and lead to known sites."""
    geo = topology.geo
    seen: dict[_Network, str] = {}
    for text, site in geo.prefixes.items() if geo is not None else ():
        path = f"geo.prefixes[{text}]"
        yield from _require_site(topology, path, site)
        network = _parse_network(path, text)
        if isinstance(network, Finding):
            yield network
        elif network in seen:
            yield Finding(path, f"the same prefix as {seen[network]!r}", "remove one of them")
        else:
            seen[network] = text


def proxies_are_networks(topology: Topology) -> Iterator[Finding]:
    """Trusted proxies are prefixes."""
    proxies = topology.geo.trusted_proxies if topology.geo is not None else ()
    for number, text in enumerate(proxies):
        network = _parse_network(f"geo.trusted_proxies[{number}]", text)
        if isinstance(network, Finding):
            yield network


def believed_are_networks(topology: Topology) -> Iterator[Finding]:
    """Clients whose traceparent is believed are prefixes."""
    believed = topology.tracing.believe if topology.tracing is not None else ()
    for number, text in enumerate(believed):
        network = _parse_network(f"tracing.believe[{number}]", text)
        if isinstance(network, Finding):
            yield network


CHECKS: Final[tuple[Check, ...]] = (
    site_names_differ,
    edges_stand_in_known_sites,
    fallbacks_are_other_sites,
    sites_can_take_viewers,
    routers_have_edges,
    default_site_exists,
    prefixes_are_networks,
    proxies_are_networks,
    believed_are_networks,
)
