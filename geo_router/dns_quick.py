"""The usual question and its answer in bytes: one name, A or AAAA, at most one client subnet.

What a resolver asks nearly always looks the same, and a library that reads everything takes ten
times as long over it. Whatever is not plainly such a question is left to `dns_answer`'s longer way,
which would give the same bytes. Pure.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from geo_router.prefixes import IPAddress

HEADER_BYTES: Final = 12
_COUNTS: Final = frozenset({b"\0\1" + bytes(6), b"\0\1" + bytes(5) + b"\1"})
"""One question, and at most one record beside it."""
_FLAGS_REFUSED: Final = 0xFA40
"""QR, opcode, TC and the bit that must be zero (RFC 1035 4.1.1)."""

_RD: Final = 0x0100
_QR_AA: Final = 0x8400
_NAME_BYTES_MAX: Final = 255
_LABEL_BYTES_MAX: Final = 63
_OPT_HEAD: Final = struct.Struct("!BHHBBHH")
_ECS: Final = 8
_RECORD: Final = struct.Struct("!HHIH")
_TO_QUESTION: Final = b"\xc0\x0c"
_KINDS: Final = {1: 4, 28: 6}
_PLAIN_UDP_BYTES_MAX: Final = 512


@dataclass(slots=True)
class Question:
    """What is asked; not to be changed. Frozen, making one would cost 2 of a question's 25 us.

    `name` is in lower case, as on the wire, with its end.
    """

    name: bytes
    kind: int
    stop: int
    """Where the question section ends."""
    room_bytes: int
    """What the client takes over UDP."""
    has_options: bool
    """Whether it speaks EDNS."""
    subnet: bytes = b""
    """Family, source and scope length and address, as sent; empty without one (RFC 7871 6)."""
    about: IPAddress | None = None
    """The address of the subnet; None when it tells nothing."""

    @property
    def source_length(self) -> int:
        """How long the prefix is that the subnet tells."""
        return self.subnet[2] if self.subnet else 0


def read_question(packet: bytes, known: dict[bytes, bytes]) -> Question | None:
    """The question of a packet; None for anything unusual.

    `known` keeps names that were read before, as they came: walking the labels of one costs as
    much as all the rest. Who calls bounds it.
    """
    counts = packet[4:HEADER_BYTES]
    if counts not in _COUNTS or ((packet[2] << 8) | packet[3]) & _FLAGS_REFUSED:
        return None
    # A zero inside a label ends this early; such a piece is never known.
    end, size = packet.find(b"\0", HEADER_BYTES), len(packet)
    name = known.get(packet[HEADER_BYTES : end + 1])
    if name is None:
        end = _end_of_name(packet)
        if end < 0:
            return None
        written = packet[HEADER_BYTES : end + 1]
        name = known[written] = written.lower()
    stop = end + 5
    if stop > size:
        return None
    kind = (packet[end + 1] << 8) | packet[end + 2]
    if kind not in _KINDS or packet[end + 3 : stop] != b"\x00\x01":
        return None
    if counts[7]:
        return _with_options(packet, name, kind, stop)
    return Question(name, kind, stop, _PLAIN_UDP_BYTES_MAX, False) if stop == size else None


def _end_of_name(packet: bytes) -> int:
    """Where the name's last, empty label is; -1 for a name that is none (RFC 1035 3.1)."""
    end, size = HEADER_BYTES, len(packet)
    while end < size and packet[end]:
        if packet[end] > _LABEL_BYTES_MAX:
            return -1
        end += packet[end] + 1
    return end if end < size and end - HEADER_BYTES < _NAME_BYTES_MAX else -1


def _with_options(packet: bytes, name: bytes, kind: int, stop: int) -> Question | None:
    if len(packet) < stop + _OPT_HEAD.size:
        return None
    root, record, payload, extended, version, _, size_bytes = _OPT_HEAD.unpack_from(packet, stop)
    start = stop + _OPT_HEAD.size
    if root or record != 41 or extended or version or len(packet) != start + size_bytes:
        return None
    room_bytes = max(payload, _PLAIN_UDP_BYTES_MAX)
    if not size_bytes:
        return Question(name, kind, stop, room_bytes, True)
    option = packet[start:]
    subnet = option[4:]
    if len(option) < 8 or option[:2] != b"\x00\x08" or (option[2] << 8 | option[3]) != len(subnet):
        return None
    about = _address_of(subnet)
    if about is None:
        return None
    return Question(name, kind, stop, room_bytes, True, subnet, about if subnet[2] else None)


def _address_of(subnet: bytes) -> IPAddress | None:
    """The address of a subnet option; None for one that is not sound (RFC 7871 6)."""
    family, length, scope, address = subnet[1], subnet[2], subnet[3], subnet[4:]
    width = {1: 32, 2: 128}.get(family, 0)
    if subnet[0] or scope or length > width or len(address) != (length + 7) // 8:
        return None
    if length % 8 and address[-1] & (0xFF >> length % 8):
        return None
    number = int.from_bytes(address.ljust(width // 8, b"\0"))
    return IPv4Address(number) if family == 1 else IPv6Address(number)


def family_of(kind: int) -> int:
    """Which family of addresses a type of record holds."""
    return _KINDS[kind]


def format_records(kind: int, ttl_seconds: int, addresses: list[bytes]) -> bytes:
    """Address records of the name that was asked for."""
    return b"".join(
        _TO_QUESTION + _RECORD.pack(kind, 1, ttl_seconds, len(each)) + each for each in addresses
    )


def format_answer(
    packet: bytes, question: Question, records: bytes, count: int, scope: int, payload: int
) -> bytes | None:
    """The answer to a packet; None when it does not fit."""
    flags = _QR_AA | ((packet[2] << 8) & _RD)
    head = struct.pack("!HHHHH", flags, 1, count, 0, question.has_options)
    parts = [packet[:2], head, packet[HEADER_BYTES : question.stop], records]
    if question.has_options:
        subnet = question.subnet
        size_bytes = len(subnet) + 4 if subnet else 0
        parts.append(_OPT_HEAD.pack(0, 41, payload, 0, 0, 0, size_bytes))
        if subnet:
            echo = subnet[:3] + bytes((scope,)) + subnet[4:]
            parts.append(struct.pack("!HH", _ECS, len(subnet)) + echo)
    wire = b"".join(parts)
    return wire if len(wire) <= min(question.room_bytes, payload) else None
