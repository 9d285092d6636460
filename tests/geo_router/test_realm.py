"""A new topology takes the old one's place whole, and keeps what is still true."""

from __future__ import annotations

import dataclasses

import pytest

from cdnkit.errors import BadRequestError
from config.caching import Tls
from config.locating import Dns, Geo
from config.topology import Address, RouterSettings, Topology
from config.tracing import Tracing
from geo_router.fleet import State
from geo_router.locate import geo_of
from geo_router.realm import Realm, Reign, build_realm, needs_restart
from tests.geo_router.worlds import READY, edge, edges_of, router_node, topology_of

GEO = Geo("fra", {"10.0.0.0/8": "nyc"})


def realm_of(topology: Topology, before: Realm | None = None) -> Realm:
    return build_realm(router_node(), topology, 10.0, lambda kind: None, before)


def test_beliefs_stay_with_edges_that_are_reached_as_before() -> None:
    edges = edges_of({"fra": 2, "nyc": 1})
    before = realm_of(topology_of(edges, GEO))
    for each in edges:
        before.families.observe(each.name, (4, 6), READY, 11.0)
    moved = dataclasses.replace(edges[1], listen=Address("127.0.0.1", 7777))
    after = realm_of(topology_of([edges[0], moved, edge("sgp-0", "sgp", 9100)], GEO), before)
    fleet = after.families.fleets[4]
    assert fleet["fra-0"].state is State.UP
    assert fleet["fra-1"].state is fleet["sgp-0"].state is State.UNKNOWN
    assert "nyc-0" not in fleet
    assert after.families.is_polled
    # Other routers go on being heard.
    assert after.families.councils is before.families.councils


def test_what_is_open_of_a_database_stays_while_geo_stays() -> None:
    edges = edges_of({"fra": 1})
    before = realm_of(topology_of(edges, GEO))
    assert realm_of(topology_of(edges, GEO), before).locator is before.locator
    other = realm_of(topology_of(edges, Geo("nyc")), before)
    assert other.locator is not before.locator
    assert other.locator.version > before.locator.version


def test_who_keeps_what_it_looked_up_hears_of_the_change() -> None:
    edges = edges_of({"fra": 1})
    before = realm_of(topology_of(edges, GEO))
    reign, heard = Reign(before), list[Realm]()
    reign.heirs.append(heard.append)
    after, version = realm_of(topology_of(edges, GEO), before), before.locator.version
    reign.adopt(after)
    assert (reign.realm, heard) == (after, [after])
    assert after.locator.version > version


def test_what_a_running_router_cannot_change_is_named() -> None:
    node, topology = router_node(), topology_of(edges_of({"fra": 1}), GEO)
    before = realm_of(topology)
    assert needs_restart(before, node, topology) == []
    settings = RouterSettings(access_log="log", down_after=5)
    listen, tls = Address("127.0.0.1", 1), Tls("a.pem", "a.key")
    changed = dataclasses.replace(node, listen=listen, workers=2, tls=tls, settings=settings)
    zoned = dataclasses.replace(
        topology, dns=Dns("cdn.example"), authorities="a.pem", tracing=Tracing("http://collector")
    )
    expected = ["listen", "workers", "tls", "access_log", "authorities", "tracing", "dns.zone"]
    assert needs_restart(before, changed, zoned) == expected


def test_a_topology_that_cannot_be_routed_is_refused() -> None:
    with pytest.raises(BadRequestError, match="at least one site"):
        realm_of(Topology())
    bad = dataclasses.replace(topology_of([], GEO), dns=Dns("cdn.example", names=("..",)))
    with pytest.raises(BadRequestError, match="dns"):
        realm_of(bad)
    assert geo_of(topology_of([])).default_site == "fra"
