"""A zone over a small fleet, for the tests of the DNS answerer."""

from __future__ import annotations

import dataclasses

from config.locating import Dns, Geo
from config.topology import RouterSettings
from geo_router.dns_answer import Answerer
from geo_router.dns_zone import Zone
from geo_router.families import Families, build_families
from geo_router.locate import Locator
from tests.geo_router.worlds import READY, edges_of, topology_of

GEO = Geo("fra", {"10.0.0.0/8": "nyc", "10.1.2.128/25": "sgp", "2001:db8::/32": "nyc"})
SETTINGS = Dns(
    "cdn.example",
    nameservers=("ns1.cdn.example", "ns.elsewhere.net"),
    hostmaster="ops@example.net",
    hosts={"ns1": "192.0.2.53", "a.deep": "2001:db8::53"},
    ttl_seconds=20,
)


@dataclasses.dataclass
class DnsWorld:
    families: Families
    zone: Zone
    locator: Locator
    answerer: Answerer


def dns_world(settings: Dns = SETTINGS) -> DnsWorld:
    """fra has one edge with both families, nyc two, sgp one with IPv4 alone."""
    v4 = {"fra-0": "192.0.2.1", "nyc-0": "192.0.2.2", "nyc-1": "192.0.2.3", "sgp-0": "192.0.2.4"}
    v6 = {"fra-0": "2001:db8:1::1", "nyc-0": "2001:db8:1::2", "nyc-1": "2001:db8:1::3"}
    edges = [
        dataclasses.replace(edge, addresses=tuple(a[edge.name] for a in (v4, v6) if edge.name in a))
        for edge in edges_of({"fra": 1, "nyc": 2, "sgp": 1})
    ]
    families = build_families(topology_of(edges, GEO), RouterSettings(), 1000.0)
    for edge in edges:
        families.observe(edge.name, (4, 6), READY, 1000.0)
    zone, locator = Zone(settings, edges, families), Locator(GEO)
    answerer = Answerer(zone, locator.locate_network, lambda: (families.epoch, locator.version))
    return DnsWorld(families, zone, locator, answerer)
