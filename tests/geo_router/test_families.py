"""IPv4 and IPv6 apart."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_address

from config.topology import Address, EdgeNode, OriginNode, RouterSettings
from geo_router.choose import Rung
from geo_router.families import Families, build_families, last_resorts
from geo_router.place import Place, Source
from tests.geo_router.worlds import FAILED, READY, edges_of, topology_of

FRA = Place(Source.PREFIX, site="fra")
V4, V6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")


def two_edges() -> list[EdgeNode]:
    both, only4 = edges_of({"fra": 2})
    return [
        dataclasses.replace(both, addresses=("192.0.2.10", "2001:db8::10")),
        dataclasses.replace(only4, addresses=("192.0.2.11",)),
    ]


def ready() -> Families:
    families = build_families(topology_of(two_edges()), RouterSettings(), 0.0)
    assert not families.is_polled
    families.observe("fra-0", (4,), READY, 1.0)
    families.observe("fra-0", (6,), READY, 1.0)
    families.observe("fra-1", (4,), READY, 1.0)
    assert families.is_polled
    return families


def named(families: Families, address: object, key: str = "/a") -> set[str]:
    found = families.choose(address, FRA, key, 10)  # type: ignore[arg-type]
    return {candidate.edge for candidate in found.candidates}


def test_an_edge_can_be_lost_to_one_family_alone() -> None:
    families = ready()
    assert families.are_apart
    assert named(families, V6) == {"fra-0"}
    before = families.epoch
    for moment in (2.0, 3.0):
        families.observe("fra-0", (6,), FAILED, moment)
    assert families.epoch != before
    assert named(families, V4) == {"fra-0", "fra-1"}
    assert families.changed_at == 3.0
    # Who has IPv6 nearly always has IPv4, too: better that than nothing.
    assert named(families, V6) == {"fra-0", "fra-1"}
    picked = families.pick(V6, FRA, b"/a")
    assert picked is not None
    assert picked.edge == families.choose(V6, FRA, "/a").candidates[0].edge
    assert families.explain(V6, FRA, "/a").rung is Rung.HEALTHY_IN_SITE


def test_where_no_address_is_named_there_is_one_fleet() -> None:
    families = build_families(topology_of(edges_of({"fra": 1})), RouterSettings(), 0.0)
    changed, doubtful = families.observe("fra-0", (4, 6), READY, 1.0)
    assert len(changed) == 1
    assert not doubtful
    assert not families.are_apart
    assert named(families, V6) == named(families, V4) == {"fra-0"}
    assert families.observe("fra-0", (4, 6), FAILED, 2.0)[1]
    assert families.fleets[4]["fra-0"].failures == 1
    families.tick(3.0)
    assert families.reconsider(3.0) == []
    assert not families.is_in_doubt


def test_last_resorts_are_shields_then_origins_that_are_allowed() -> None:
    origin = OriginNode("o", Address("127.0.0.1", 80), "data")
    topology = dataclasses.replace(topology_of([]), origins=(origin,))
    settings = RouterSettings(shields=("https://s.example/",), origin_fallback=True)
    assert [(r.url, r.rung) for r in last_resorts(topology, settings)] == [
        ("https://s.example", Rung.SHIELD),
        ("http://127.0.0.1:80/v1/content", Rung.ORIGIN),
    ]
    assert last_resorts(topology, RouterSettings()) == []
