"""A topology as configuration of other geographic name servers: gdnsd and PowerDNS. Pure.

They learn where edges are and in which order sites are tried, from the same tables as our router;
load, hot titles and agreement they cannot know. For those who run such a server already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cdnkit.errors import BadRequestError
from config.topology import Topology
from geo_router.atlas import Atlas
from geo_router.countries import CENTRES
from geo_router.dns_zone import addresses_of
from geo_router.place import Place, Source

KINDS = ("gdnsd", "powerdns")


def export(topology: Topology, kind: str) -> str:
    """The text of one configuration. Raises BadRequestError where the topology lacks a part."""
    if not topology.dns.zone:
        raise BadRequestError("the topology names no zone (dns.zone)")
    if not any(addresses_of(edge) for edge in topology.open_edges()):
        raise BadRequestError("no edge has an address that a name server could give out")
    return "\n".join({"gdnsd": _gdnsd, "powerdns": _powerdns}[kind](topology)) + "\n"


def _orders(topology: Topology) -> dict[str, tuple[str, ...]]:
    """Country to sites, best first."""
    atlas = _atlas(topology)
    return {
        country: tuple(
            atlas.names[site]
            for site in atlas.order(
                Place(Source.DATABASE, coordinates=centre, country=country)
            ).sites
        )
        for country, centre in CENTRES.items()
    }


def _atlas(topology: Topology) -> Atlas:
    return Atlas(topology.sites, {edge.site for edge in topology.open_edges()})


def _default_order(topology: Topology) -> tuple[str, ...]:
    atlas = _atlas(topology)
    site = topology.geo.default_site if topology.geo else topology.sites[0].name
    return tuple(atlas.names[each] for each in atlas.order(Place(Source.DEFAULT, site=site)).sites)


def _edges_of(topology: Topology, site: str, family: int) -> dict[str, str]:
    """Name to first address of the edges of a site."""
    return {
        edge.name: addresses_of(edge)[family][0]
        for edge in topology.open_edges()
        if edge.site == site and edge.weight > 0 and family in addresses_of(edge)
    }


def _gdnsd(topology: Topology) -> Iterator[str]:
    """Sections of gdnsd 3 (https://gdnsd.org): its geoip plugin finds the nearest by itself."""
    atlas, sites = _atlas(topology), _default_order(topology)
    ports = {edge.listen.port for edge in topology.open_edges()}
    quoted = {site: json.dumps(site) for site in sites}
    yield "# gdnsd: sections of the configuration file, then lines for the zone file."
    yield "service_types => {"
    yield f"  cinedge => {{ plugin => http_status, url_path => /readyz, port => {min(ports)},"
    yield "    interval => 2, timeout => 1 }"
    yield "}"
    yield "plugins => { geoip => {"
    yield "  maps => { cinedge => {"
    if topology.geo and topology.geo.database:
        yield f"    geoip2_db => {json.dumps(topology.geo.database)},"
    yield f"    datacenters => [{', '.join(quoted.values())}],"
    coordinates = {site.name: (site.latitude, site.longitude) for site in topology.sites}
    inner = ", ".join(
        f"{quoted[site]} => [{coordinates[site][0]}, {coordinates[site][1]}]" for site in sites
    )
    yield f"    auto_dc_coords => {{ {inner} }},"
    yield f"    auto_dc_limit => {len(sites)},"
    yield "    nets => {"
    for prefix, site in (topology.geo.prefixes if topology.geo else {}).items():
        order = atlas.order(Place(Source.PREFIX, site=site)).sites
        names = ", ".join(json.dumps(atlas.names[each]) for each in order)
        yield f"      {json.dumps(prefix)} => [{names}],"
    yield "    } } },"
    yield "  resources => { cinedge => { map => cinedge, service_types => cinedge, dcmap => {"
    for site in sites:
        # A data centre maps to one address of each family or to named addresses of one.
        inner = ", ".join(
            f"{json.dumps(name)} => {address}"
            for name, address in _edges_of(topology, site, 4).items()
        )
        if inner:
            yield f"    {quoted[site]} => {{ {inner} }},"
    yield "  } } } } }"
    yield f"# in the zone {topology.dns.zone}:"
    for name in topology.dns.names:
        yield f"# {name} {topology.dns.ttl_seconds} DYNA geoip!cinedge"


def _powerdns(topology: Topology) -> Iterator[str]:
    """A zone of PowerDNS' geoip backend (YAML): records by country, then by default."""
    zone, ttl = topology.dns.zone, topology.dns.ttl_seconds
    servers = topology.dns.nameservers or (f"ns.{zone}",)
    hostmaster = (topology.dns.hostmaster or f"hostmaster.{zone}").replace("@", ".")
    yield "# PowerDNS: geoip-zones-file, with geoip-database-files set to your database."
    yield "domains:"
    yield f"- domain: {zone}"
    yield f"  ttl: {ttl}"
    yield "  records:"
    yield f"    {zone}:"
    yield f"    - soa: {servers[0]} {hostmaster} 1 3600 600 604800 {ttl}"
    for server in servers:
        yield f"    - ns: {server}"
    for site in _default_order(topology):
        yield f"    {site}.site.{zone}:"
        for family, kind in ((4, "a"), (6, "aaaa")):
            for address in _edges_of(topology, site, family).values():
                yield f'    - {kind}: "{address}"'
    for country, order in sorted(_orders(topology).items()):
        yield f"    {country.lower()}.place.{zone}:"
        yield from _addresses(topology, order)
    yield f"    unknown.place.{zone}:"
    yield from _addresses(topology, _default_order(topology))
    yield "  services:"
    for name in topology.dns.names:
        owner = zone if name == "@" else f"{name}.{zone}"
        yield f'    "{owner}": ["%cc.place.{zone}", "unknown.place.{zone}"]'


def _addresses(topology: Topology, order: tuple[str, ...]) -> Iterator[str]:
    """The addresses of the first site that has any."""
    for site in order:
        records = [
            f'    - {kind}: "{address}"'
            for family, kind in ((4, "a"), (6, "aaaa"))
            for address in _edges_of(topology, site, family).values()
        ]
        if records:
            yield from records
            return
