"""Names that exist, names that do not, and where names lead."""

from __future__ import annotations

import dataclasses

import dns.name
import dns.rcode
import dns.rdatatype
import pytest

from cdnkit.errors import BadRequestError
from config.locating import Dns
from geo_router.dns_zone import Zone, addresses_of
from geo_router.place import Place, Source
from tests.geo_router.dns_worlds import SETTINGS, DnsWorld, dns_world
from tests.geo_router.worlds import FAILED, edge

NYC = Place(Source.PREFIX, "10.0.0.0/8", site="nyc")
SGP = Place(Source.PREFIX, "10.1.2.128/25", site="sgp")


def ask(world: DnsWorld, name: str, kind: str, place: Place = NYC) -> tuple[str, list[str], bool]:
    """Response code, data of the answer, and whether it tells where the zone begins (SOA)."""
    absolute = dns.name.from_text(name)
    assert world.zone.holds(absolute)
    reply = world.zone.resolve(absolute, dns.rdatatype.from_text(kind), place)
    data = [record.to_text() for records in reply.answer for record in records]
    has_soa = any(records.rdtype == dns.rdatatype.SOA for records in reply.authority)
    return dns.rcode.to_text(reply.rcode), data, has_soa


@pytest.mark.parametrize(
    ("name", "kind", "code", "data", "has_soa"),
    [
        ("ns1.cdn.example.", "A", "NOERROR", ["192.0.2.53"], False),
        ("ns1.cdn.example.", "AAAA", "NOERROR", [], True),
        ("a.deep.cdn.example.", "AAAA", "NOERROR", ["2001:db8::53"], False),
        ("deep.cdn.example.", "A", "NOERROR", [], True),
        ("b.deep.cdn.example.", "A", "NXDOMAIN", [], True),
        ("x.y.cdn.example.", "A", "NXDOMAIN", [], True),
        ("play.cdn.example.", "TXT", "NOERROR", [], True),
        ("cdn.example.", "MX", "NOERROR", [], True),
        ("cdn.example.", "NS", "NOERROR", ["ns.elsewhere.net.", "ns1.cdn.example."], False),
    ],
)
def test_the_zone_is_small_and_whole(
    name: str, kind: str, code: str, data: list[str], has_soa: bool
) -> None:
    got_code, got_data, got_soa = ask(dns_world(), name, kind)
    assert (got_code, sorted(got_data), got_soa) == (code, data, has_soa)


def test_names_of_the_cdn_lead_to_the_best_edges_of_each_family() -> None:
    world = dns_world()
    assert set(ask(world, "play.cdn.example.", "A")[1]) == {"192.0.2.2", "192.0.2.3"}
    assert set(ask(world, "PLAY.cdn.example.", "AAAA")[1]) == {"2001:db8:1::2", "2001:db8:1::3"}
    assert ask(world, "cdn.example.", "A", SGP)[1] == ["192.0.2.4"]
    # Singapore has no IPv6: the next best edge that has.
    assert ask(world, "play.cdn.example.", "AAAA", SGP)[1][0].startswith("2001:db8:1::")


def test_a_failing_family_changes_its_own_answers_alone() -> None:
    world = dns_world()
    for moment in (1001.0, 1002.0):
        world.families.observe("nyc-0", (6,), FAILED, moment)
    assert len(ask(world, "play.cdn.example.", "A")[1]) == 2
    assert ask(world, "play.cdn.example.", "AAAA")[1] == ["2001:db8:1::3"]


def test_when_no_edge_is_left_the_failure_is_not_to_be_remembered() -> None:
    world = dns_world()
    for name in ("fra-0", "nyc-0", "nyc-1", "sgp-0"):
        for moment in (1001.0, 1002.0):
            world.families.observe(name, (4, 6), FAILED, moment)
    assert ask(world, "play.cdn.example.", "A") == ("SERVFAIL", [], False)


def test_the_serial_and_mailbox_are_those_of_the_zone() -> None:
    _, (soa,), _ = ask(dns_world(), "cdn.example.", "SOA")
    assert soa == "ns1.cdn.example. ops.example.net. 1000 3600 600 604800 20"


def test_a_zone_may_name_its_names_instead_of_any() -> None:
    world = dns_world(dataclasses.replace(SETTINGS, names=("play",)))
    assert ask(world, "other.cdn.example.", "A")[0] == "NXDOMAIN"
    assert len(ask(world, "play.cdn.example.", "A")[1]) == 2


@pytest.mark.parametrize(
    "settings", [Dns("a..b"), Dns("a", hosts={"b": "c"}), Dns("a", nameservers=("x" * 70,))]
)
def test_what_is_no_name_or_address_is_refused(settings: Dns) -> None:
    with pytest.raises(BadRequestError, match="dns:"):
        Zone(settings, [], dns_world().families)


def test_addresses_are_those_named_or_the_one_of_the_url() -> None:
    plain = edge("a", "fra")
    assert addresses_of(plain) == {4: ("127.0.0.1",)}
    assert addresses_of(dataclasses.replace(plain, url="https://[2001:db8::1]:8443")) == {
        6: ("2001:db8::1",)
    }
    assert addresses_of(dataclasses.replace(plain, url="https://edge.example")) == {}
    both = dataclasses.replace(plain, addresses=("192.0.2.1", "2001:db8::1", "192.0.2.2"))
    assert addresses_of(both) == {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1",)}
