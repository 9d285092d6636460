"""The quick way and the long way give the same bytes; what is unusual is left to the long one."""

from __future__ import annotations

import struct
from ipaddress import ip_network

import dns.edns
import dns.flags
import dns.message
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from geo_router.dns_quick import family_of, format_answer, format_records, read_question
from tests.geo_router.dns_worlds import SETTINGS, dns_world
from tests.geo_router.worlds import FAILED

WORLD = dns_world()
CLIENTS = st.sampled_from(["10.9.9.9", "10.1.2.200", "203.0.113.5", "2001:db8:7::1"])
NAMES = st.sampled_from(
    ["play.cdn.example", "PLAY.cdn.Example", "cdn.example", "ns1.cdn.example", "a.deep.cdn.example"]
    + ["b.a.cdn.example", "deep.cdn.example", "elsewhere.net", "."]
)
SUBNETS = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda pair: _network(*pair, 32)),
    st.tuples(st.integers(0x20010DB8 << 96, (0x20010DB9 << 96) - 1), st.integers(0, 128)).map(
        lambda pair: _network(*pair, 128)
    ),
)


def _network(number: int, length: int, width: int) -> tuple[str, int]:
    bits = number >> (width - length) << (width - length)
    packed = bits.to_bytes(width // 8)
    return str(ip_network((packed, length)).network_address), length


def packet_of(
    name: str, kind: str, subnet: tuple[str, int] | None, *, flags: int = 0, payload: int = 1232
) -> bytes:
    message = dns.message.make_query(name, kind, id=0x1D35)
    message.flags = dns.flags.Flag(flags)
    if payload:
        options: list[dns.edns.Option] = []
        if subnet is not None:
            options.append(dns.edns.ECSOption(*subnet))
        message.use_edns(0, payload=payload, options=options)
    return message.to_wire()


@hypothesis_settings(max_examples=400, deadline=None)
@given(
    NAMES,
    st.sampled_from(["A", "AAAA", "TXT", "SOA"]),
    SUBNETS,
    st.sampled_from([0, 0x0100, 0x0130, 0x0020]),
    st.sampled_from([0, 512, 1232, 4096]),
    CLIENTS,
)
def test_both_ways_give_the_same_bytes(
    name: str, kind: str, subnet: tuple[str, int] | None, flags: int, payload: int, client: str
) -> None:
    packet = packet_of(name, kind, subnet, flags=flags, payload=payload)
    answerer = WORLD.answerer
    quick, quick_by_client = answerer._answer_quickly(packet, client)
    full, by_client = answerer._compute(packet, client, udp=True)
    if quick is not None:
        assert (quick, quick_by_client) == (full, by_client)
    elif name.lower() == "play.cdn.example" and kind in ("A", "AAAA"):
        # Nothing but an answer without records may take the long way.
        assert full is not None
        assert dns.message.from_wire(full).answer == []


def test_the_usual_question_is_answered_quickly() -> None:
    for subnet in (None, ("10.9.9.0", 24), ("2001:db8:7::", 48)):
        packet = packet_of("play.cdn.example", "A", subnet)
        assert WORLD.answerer._answer_quickly(packet, "10.9.9.9")[0] is not None


PLAIN = packet_of("play.cdn.example", "A", None, payload=0)
SUBNET = packet_of("play.cdn.example", "A", ("10.9.9.0", 24))


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        PLAIN[:20],
        PLAIN + b"\0",
        PLAIN[:2] + b"\x81\x00" + PLAIN[4:],
        PLAIN[:2] + b"\x03\x00" + PLAIN[4:],
        PLAIN[:4] + b"\0\2" + PLAIN[6:],
        PLAIN[:-4] + b"\0\x0f\0\1",
        PLAIN[:-2] + b"\0\3",
        PLAIN[:12] + b"\xc0\x0c" + PLAIN[14:],
        PLAIN[:12] + b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 3 + b"\0\0\1\0\1",
        SUBNET[:-1],
        SUBNET + b"\0",
        SUBNET.replace(b"\0\x08\0\x07", b"\0\x0a\0\x07"),
        SUBNET[:-4] + b"\x07" + SUBNET[-3:],
        SUBNET[:-1] + b"\x01\x01",
        packet_of("play.cdn.example", "A", ("10.9.9.0", 24))[:-5] + b"\x17\0\x0a\x09\x09",
    ],
)
def test_what_is_unusual_is_left_to_the_long_way(packet: bytes) -> None:
    if len(packet) >= 12:
        assert read_question(packet, {}) is None
    assert WORLD.answerer.answer(packet, "10.9.9.9") == dns_world().answerer.answer(
        packet, "10.9.9.9"
    )


@given(st.binary(min_size=12, max_size=80))
def test_no_bytes_break_the_reader(packet: bytes) -> None:
    question = read_question(packet, {})
    assert question is None or question.kind in (1, 28)


@given(st.binary(max_size=40), st.binary(max_size=8))
def test_what_is_known_changes_no_reading(name: bytes, rest: bytes) -> None:
    packet = PLAIN[:12] + name + rest + PLAIN[-4:]
    known: dict[bytes, bytes] = {}
    read_question(PLAIN, known)
    first = read_question(packet, known)
    assert first == read_question(packet, known) == read_question(packet, {})


def test_an_answer_that_does_not_fit_is_none() -> None:
    question = read_question(PLAIN, {})
    assert question is not None
    records = format_records(1, 20, [bytes(4)] * 40)
    assert len(records) == 40 * 16
    assert format_answer(PLAIN, question, records, 40, 0, 1232) is None
    few = format_answer(PLAIN, question, records[:32], 2, 0, 1232)
    assert few is not None
    assert struct.unpack_from("!HHHH", few, 4) == (1, 2, 0, 0)
    assert (family_of(1), family_of(28)) == (4, 6)


def test_a_change_of_the_fleet_shows_in_the_next_quick_answer() -> None:
    world = dns_world(SETTINGS)
    before = world.answerer.answer(SUBNET, "10.9.9.9")
    for moment in (1001.0, 1002.0):
        world.families.observe("nyc-0", (4, 6), FAILED, moment)
    after = world.answerer.answer(SUBNET, "10.9.9.9")
    assert before is not None
    assert after is not None
    assert before != after
    assert bytes([192, 0, 2, 2]) not in after
