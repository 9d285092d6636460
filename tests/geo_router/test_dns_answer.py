"""Bytes in, bytes out: client subnets, sizes, letter case, refusals, what is remembered."""

from __future__ import annotations

import random
import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import pytest

from config.locating import Dns
from geo_router.dns_answer import truncated
from tests.geo_router.dns_worlds import SETTINGS, DnsWorld, dns_world
from tests.geo_router.worlds import DRAINING

CLIENT = "198.51.100.7"


def query(name: str = "play.cdn.example", kind: str = "A", subnet: str = "") -> dns.message.Message:
    message = dns.message.make_query(name, kind)
    if subnet:
        address, _, length = subnet.partition("/")
        message.use_edns(0, payload=1232, options=[dns.edns.ECSOption(address, int(length))])
    return message


def ask(world: DnsWorld, message: dns.message.Message, client: str = CLIENT) -> dns.message.Message:
    wire = world.answerer.answer(message.to_wire(), client)
    assert wire is not None
    response = dns.message.from_wire(wire)
    assert message.is_response(response) or response.rcode() != dns.rcode.NOERROR
    return response


def addresses(response: dns.message.Message) -> set[str]:
    return {record.to_text() for records in response.answer for record in records}


def scope(response: dns.message.Message) -> tuple[str, int, int]:
    (option,) = [each for each in response.options if isinstance(each, dns.edns.ECSOption)]
    return option.address, option.srclen, option.scopelen


@pytest.mark.parametrize(
    ("subnet", "site_addresses", "length"),
    [
        ("10.9.9.0/24", {"192.0.2.2", "192.0.2.3"}, 13),
        ("10.1.2.0/24", {"192.0.2.2", "192.0.2.3"}, 25),
        ("10.1.2.128/25", {"192.0.2.4"}, 25),
        ("10.1.2.129/32", {"192.0.2.4"}, 25),
        ("203.0.113.0/24", {"192.0.2.1"}, 1),
        ("2001:db8:7::/48", {"192.0.2.2", "192.0.2.3"}, 32),
        ("0.0.0.0/0", {"192.0.2.1"}, 0),
    ],
)
def test_the_client_subnet_is_echoed_with_the_prefix_the_answer_holds_for(
    subnet: str, site_addresses: set[str], length: int
) -> None:
    world = dns_world()
    for _ in range(2):  # computed, then remembered
        response = ask(world, query(subnet=subnet))
        assert addresses(response) == site_addresses
        address, source = subnet.split("/")
        assert scope(response) == (address, int(source), length)
    assert world.answerer.computed == 1


def test_every_address_inside_a_scope_has_the_same_answer() -> None:
    world, chance = dns_world(), random.Random(4)
    for _ in range(200):
        number = chance.choice([0x0A000000, 0x0A010200, 0x0B000000]) + chance.getrandbits(10)
        network = ".".join(map(str, struct.pack("!I", number & ~0xFF)))
        response = ask(world, query(subnet=f"{network}/24"))
        length = scope(response)[2]
        base = (number & ~0xFF) >> (32 - length) << (32 - length)
        other = base + chance.getrandbits(32 - length)
        inside = ".".join(map(str, struct.pack("!I", other)))
        assert addresses(ask(world, query(subnet=f"{inside}/32"))) == addresses(response)


def test_answers_that_do_not_depend_on_the_place_are_global() -> None:
    world = dns_world()
    for name, kind in (("ns1.cdn.example", "A"), ("x.y.cdn.example", "A"), ("cdn.example", "SOA")):
        assert scope(ask(world, query(name, kind, "10.1.2.0/24")))[2] == 0


def test_without_a_subnet_the_client_itself_is_placed() -> None:
    world = dns_world()
    for client, expected in (("10.0.0.1", 2), ("10.1.2.200", 1), ("10.0.0.1", 2)):
        response = ask(world, query(), client)
        assert len(addresses(response)) == expected
        assert response.flags & dns.flags.AA
        assert not response.flags & dns.flags.RA
    assert world.answerer.computed == 2


@pytest.mark.parametrize("bad", [b"\0\x01\x18\x08\x0a\x01\x02", b"\0\x01\x14\0\x0a\x01\xff"])
def test_a_subnet_with_a_scope_or_stray_bits_is_a_format_error(bad: bytes) -> None:
    message = query()
    message.use_edns(0, options=[dns.edns.GenericOption(dns.edns.OptionType.ECS, bad)])
    assert ask(dns_world(), message).rcode() == dns.rcode.FORMERR


def test_the_letters_of_the_name_come_back_as_they_went() -> None:
    world = dns_world()
    for name in ("play.cdn.example.", "PlAy.CDN.eXample.", "pLaY.cdn.EXAMPLE."):
        response = ask(world, query(name, subnet="10.9.9.0/24"))
        assert response.question[0].name.to_text() == name
        assert response.answer[0].name.to_text() == name
    assert world.answerer.computed == 1


def test_a_change_of_the_fleet_shows_in_the_next_answer() -> None:
    world = dns_world()
    assert "192.0.2.2" in addresses(ask(world, query(subnet="10.9.9.0/24")))
    world.families.observe("nyc-0", (4,), DRAINING, 1001.0)
    assert addresses(ask(world, query(subnet="10.9.9.0/24"))) == {"192.0.2.3"}


def test_names_of_others_and_transfers_are_refused() -> None:
    world = dns_world()
    assert ask(world, query("example.com")).rcode() == dns.rcode.REFUSED
    assert ask(world, query("cdn.example", "AXFR")).rcode() == dns.rcode.REFUSED
    chaos = dns.message.make_query("cdn.example", "TXT", "CH")
    assert ask(world, chaos).rcode() == dns.rcode.REFUSED


def test_versions_operations_and_responses_get_what_they_deserve() -> None:
    world = dns_world()
    newer = query()
    newer.use_edns(1)
    assert ask(world, newer).rcode() == dns.rcode.BADVERS
    update = query()
    update.set_opcode(dns.opcode.NOTIFY)
    wire = world.answerer.answer(update.to_wire(), CLIENT)
    assert wire is not None
    assert wire[3] & 15 == dns.rcode.NOTIMP
    assert world.answerer.answer(dns.message.make_response(query()).to_wire(), CLIENT) is None
    assert world.answerer.answer(b"\0" * 11, CLIENT) is None
    empty = world.answerer.answer(b"\x12\x34" + b"\0" * 10, CLIENT)
    assert empty == b"\x12\x34\x80\x01" + b"\0" * 8


def test_what_does_not_fit_is_truncated_over_udp_and_whole_over_tcp() -> None:
    servers = tuple(f"{'n' * 40}{number}.servers.example.net" for number in range(24))
    world = dns_world(Dns("cdn.example", nameservers=servers))
    plain = dns.message.make_query("cdn.example", "NS", use_edns=False)
    small = world.answerer.answer(plain.to_wire(), CLIENT)
    assert small is not None
    assert len(small) <= 512
    assert dns.message.from_wire(small).flags & dns.flags.TC
    whole = world.answerer.answer(plain.to_wire(), CLIENT, udp=False)
    assert whole is not None
    assert len(dns.message.from_wire(whole).answer[0]) == 24
    roomy = dns.message.make_query("cdn.example", "NS", use_edns=0, payload=4096)
    assert (
        dns.message.from_wire(world.answerer.answer(roomy.to_wire(), CLIENT) or b"").flags
        & dns.flags.TC
    )


def test_a_limited_client_is_sent_to_tcp() -> None:
    message = query()
    response = dns.message.from_wire(truncated(message.to_wire()))
    assert response.flags & dns.flags.TC
    assert response.question == message.question
    assert response.id == message.id


def test_a_hundred_thousand_malformed_packets_leave_it_answering() -> None:
    world, chance = dns_world(), random.Random(20)
    seeds = [
        query(subnet="10.1.2.0/24").to_wire(),
        query("a.b.c.cdn.example", "AAAA").to_wire(),
        query("cdn.example", "NS").to_wire(),
        query("cdn.example", "ANY", "2001:db8::/32").to_wire(),
    ]
    answered = 0
    for number in range(100_000):
        packet = bytearray(chance.choice(seeds))
        kind = number % 4
        if kind == 0:
            packet = bytearray(chance.randbytes(chance.randrange(64)))
        elif kind == 1:
            del packet[chance.randrange(len(packet)) :]
        for _ in range(chance.randrange(1, 5) if packet else 0):
            packet[chance.randrange(len(packet))] = chance.getrandbits(8)
        wire = world.answerer.answer(bytes(packet), CLIENT)
        if wire is not None:
            answered += 1
            assert wire[:2] == packet[:2]
            assert wire[2] & 0x80
            assert len(wire) <= 1232
    assert 20_000 < answered < 100_000
    assert addresses(ask(world, query(subnet="10.1.2.128/25"))) == {"192.0.2.4"}


def test_the_settings_of_the_tests_name_a_zone() -> None:
    assert dns_world().zone.origin == dns.name.from_text(SETTINGS.zone)
