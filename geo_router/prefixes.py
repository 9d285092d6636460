"""Longest-prefix match over IPv4 and IPv6 networks.

One dictionary per prefix length that occurs, tried from the longest down, so a look-up costs as
many dictionary probes as there are distinct lengths, however many prefixes there are. What a
value means (a site, "this proxy is trusted") is the caller's business. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, Generic, TypeVar

from cdnkit.errors import BadRequestError

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

Value = TypeVar("Value")

_MAPPED_BITS: Final = 96
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class Match(Generic[Value]):
    """The prefix that won, as text, and what it stands for."""

    prefix: str
    value: Value


class PrefixTable(Generic[Value]):
    """An immutable table of networks; build a new one and swap the reference to change it."""

    __slots__ = ("_borders", "_levels", "_size")

    def __init__(self, entries: Mapping[str, Value]) -> None:
        """Raises BadRequestError for text that is no network, or for one given twice."""
        tables: dict[int, dict[int, dict[int, Match[Value]]]] = {4: {}, 6: {}}
        for text, value in entries.items():
            network = parse_network(text)
            level = tables[network.version].setdefault(network.prefixlen, {})
            bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            if bits in level:
                raise BadRequestError(f"prefix {text} is the same network as {level[bits].prefix}")
            level[bits] = Match(text, value)
        self._levels = {
            version: tuple(
                (width - length, levels[length]) for length in sorted(levels, reverse=True)
            )
            for version, width, levels in ((4, 32, tables[4]), (6, 128, tables[6]))
        }
        self._size = len(entries)
        borders: dict[int, set[int]] = {4: set(), 6: set()}
        for text in entries:
            network = parse_network(text)
            start = int(network.network_address)
            borders[network.version] |= {start, start + network.num_addresses}
        self._borders = {version: sorted(points) for version, points in borders.items()}

    def __len__(self) -> int:
        return self._size

    def find(self, address: IPAddress) -> Match[Value] | None:
        """The longest prefix that holds the address; an IPv4-mapped address counts as IPv4."""
        address = unmap(address)
        number = int(address)
        for shift, level in self._levels[address.version]:
            match = level.get(number >> shift)
            if match is not None:
                return match
        return None

    def uniform_length(self, address: IPAddress) -> int:
        """Length of the largest prefix around an address in which every address has its match."""
        address = unmap(address)
        number, width = int(address), address.max_prefixlen
        borders = self._borders[address.version]
        at = bisect_right(borders, number)
        low = borders[at - 1] if at else 0
        high = borders[at] if at < len(borders) else 1 << width
        # A prefix around the number holds a neighbour as long as it is no longer than what the
        # two have in common.
        length = width - (number ^ (low - 1)).bit_length() + 1 if low else 0
        if high < 1 << width:
            length = max(length, width - (number ^ high).bit_length() + 1)
        return length


def unmap(address: IPAddress) -> IPAddress:
    """::ffff:192.0.2.1 is 192.0.2.1 seen through a dual-stack socket (RFC 4291 2.5.5.2)."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


def parse_network(text: str) -> IPNetwork:
    """A network from CIDR text; a plain address is a network of one. Raises BadRequestError."""
    try:
        network = ip_network(text, strict=True)
    except ValueError as error:
        raise BadRequestError(f"{text!r} is no address prefix: {error}") from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        inner = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((inner, network.prefixlen - _MAPPED_BITS))
    return network
