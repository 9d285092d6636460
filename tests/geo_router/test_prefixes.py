"""The prefix table against the obvious slow search, and what it refuses."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from geo_router.prefixes import IPNetwork, PrefixTable, parse_network, unmap

# Few distinct bits, so that prefixes nest and addresses hit them.
_ipv4_numbers = st.integers(0, 0xFF).map(lambda n: 0x0A000000 | (n << 12) | n)
_ipv6_numbers = st.integers(0, 0xFF).map(lambda n: (0x20010DB8 << 96) | (n << 60) | n)


@st.composite
def networks(draw: st.DrawFn) -> IPNetwork:
    if draw(st.booleans()):
        return IPv4Network((draw(_ipv4_numbers), draw(st.integers(0, 32))), strict=False)
    return IPv6Network((draw(_ipv6_numbers), draw(st.integers(0, 128))), strict=False)


_addresses = st.one_of(
    _ipv4_numbers.map(IPv4Address),
    _ipv6_numbers.map(IPv6Address),
    _ipv4_numbers.map(lambda n: IPv6Address((0xFFFF << 32) | n)),
)


@given(st.sets(networks(), max_size=40), _addresses)
def test_find_agrees_with_trying_every_network(
    nets: set[IPNetwork], address: IPv4Address | IPv6Address
) -> None:
    table = PrefixTable({str(network): network for network in nets})
    plain = unmap(address)
    holding = [n for n in nets if n.version == plain.version and plain in n]
    match = table.find(address)
    if not holding:
        assert match is None
    else:
        assert match is not None
        assert match.value == max(holding, key=lambda n: n.prefixlen)
        assert match.prefix == str(match.value)


def test_a_single_address_is_a_network_of_one() -> None:
    table = PrefixTable({"192.0.2.1": "a", "192.0.2.0/24": "b", "2001:db8::1": "c"})
    found = [table.find(ip_address(text)) for text in ("192.0.2.1", "192.0.2.2", "2001:db8::1")]
    assert [match.value for match in found if match] == ["a", "b", "c"]
    assert len(table) == 3


def test_an_ipv4_mapped_prefix_is_the_ipv4_prefix_inside_it() -> None:
    assert parse_network("::ffff:10.0.0.0/104") == IPv4Network("10.0.0.0/8")
    match = PrefixTable({"::ffff:10.0.0.0/104": "a"}).find(ip_address("10.9.9.9"))
    assert match is not None


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "fra", "", "2001:db8::/129", "10.0.0.0/-1"]
)
def test_text_that_is_no_prefix_is_refused_and_named(text: str) -> None:
    with pytest.raises(BadRequestError, match="no address prefix"):
        PrefixTable({text: "x"})


def test_the_same_network_in_two_spellings_is_refused() -> None:
    with pytest.raises(BadRequestError, match="is the same network as"):
        PrefixTable({"10.0.0.1": "a", "10.0.0.1/32": "b"})


def test_an_empty_table_finds_nothing() -> None:
    table: PrefixTable[str] = PrefixTable({})
    assert table.find(ip_address("10.0.0.1")) is None
    assert not table


@given(
    st.sets(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=6), st.integers(0, 255)
)
def test_a_uniform_prefix_is_the_largest_in_which_all_match_alike(
    networks: set[tuple[int, int]], host: int
) -> None:
    texts = {str(ip_network((f"192.0.2.{n}", length), strict=False)) for n, length in networks}
    table = PrefixTable(dict.fromkeys(texts, "x"))
    length = table.uniform_length(ip_address(f"192.0.2.{host}"))

    def matches(length: int) -> set[str | None]:
        around = ip_network((f"192.0.2.{host}", length), strict=False)
        found = (table.find(address) for address in around)
        return {match.prefix if match else None for match in found}

    if length >= 24:
        assert len(matches(length)) == 1
    if length > 24:
        around = IPv4Network((f"192.0.2.{host}", length - 1), strict=False)
        inner = [IPv4Network(text) for text in texts]
        crosses = any(each.subnet_of(around) and each != around for each in inner)
        assert crosses
