"""From the bytes of a question to the bytes of an answer (RFC 1035, 6891, 7871, 8482).

Answers are remembered as bytes by the bytes of their question, with the letters of the name in
lower case, for as long as nothing changed that they depend on; one that is remembered costs two
slices and a look-up. The case of the name (0x20) is copied from each question. The usual question
that is new is answered by `dns_quick`, from the records remembered for its name and place; reading
and writing otherwise is left to dnspython. Pure: the client's address comes in as an argument.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from geo_router.client_address import parse_address
from geo_router.dns_quick import Question, format_answer, format_records, read_question
from geo_router.dns_zone import Reply, Zone
from geo_router.place import Place, Source
from geo_router.prefixes import IPAddress

UDP_BYTES_MAX: Final = 1232
"""What passes everywhere without fragments (DNS flag day 2020)."""

PLAIN_UDP_BYTES_MAX: Final = 512
HEADER_BYTES: Final = 12
_MESSAGE_BYTES_MAX: Final = 65_535
"""Said each time: dnspython would otherwise raise at the size that a client takes over UDP."""
_NAME_BYTES_MAX: Final = 255
"""With its end (RFC 1035 2.3.4)."""
_ANSWERS_MAX: Final = 65_536
_QUERY_MASK: Final = 0xF800
_PER_CLIENT: Final = b""
_WIDTHS: Final = (0, 32, 128)
"""Bits of an address by the family of a subnet option."""

Locate = Callable[[IPAddress], tuple[Place, int]]
"""The place of an address, and the length of the prefix all of which is there."""

_ACT_AS_NAMED: Final = frozenset({dns.rdatatype.AXFR, dns.rdatatype.IXFR})


class Answerer:
    """Answers for one zone; `epoch` changes whenever remembered answers may be wrong."""

    def __init__(self, zone: Zone, locate: Locate, epoch: Callable[[], object]) -> None:
        self._zone = zone
        self._locate = locate
        self._epoch = epoch
        self._known_epoch: object = None
        self._udp: dict[bytes, bytes] = {}
        self._per_client: dict[tuple[bytes, str], bytes] = {}
        self._records: dict[object, tuple[bytes, int] | None] = {}
        self._names: dict[bytes, bytes] = {}
        self.computed = 0
        """Answers that were not remembered."""

    def answer(self, packet: bytes, client: str, *, udp: bool = True) -> bytes | None:
        """The answer to a packet; None when silence is best."""
        if len(packet) < HEADER_BYTES:
            return None
        if not udp:
            return self._compute(packet, client, udp=False)[0]
        epoch = self._epoch()
        kept = len(self._udp) + len(self._per_client) + len(self._records)
        if len(self._names) > _ANSWERS_MAX:
            self._names = {}
        if epoch != self._known_epoch or kept > _ANSWERS_MAX:
            self._udp, self._per_client, self._records, self._known_epoch = {}, {}, {}, epoch
        end = packet.find(b"\0", HEADER_BYTES)
        name = packet[HEADER_BYTES:end]
        key = packet[2:HEADER_BYTES] + name.lower() + packet[end:]
        found = self._udp.get(key)
        if found is _PER_CLIENT:
            found = self._per_client.get((key, client))
        if found:
            return packet[:2] + found[:10] + name + found[10:]
        return self._learn(packet, client, key, end)

    def _learn(self, packet: bytes, client: str, key: bytes, end: int) -> bytes | None:
        self.computed += 1
        wire, by_client = self._answer_quickly(packet, client)
        if wire is None:
            wire, by_client = self._compute(packet, client, udp=True)
        if wire is None or by_client is None or wire[HEADER_BYTES:end] != packet[HEADER_BYTES:end]:
            return wire
        kept = wire[2:HEADER_BYTES] + wire[end:]
        if by_client:
            self._udp[key] = _PER_CLIENT
            self._per_client[key, client] = kept
        else:
            self._udp[key] = kept
        return wire

    def _answer_quickly(self, packet: bytes, client: str) -> tuple[bytes | None, bool | None]:
        """The same as `_compute` for the usual question; no bytes for any other."""
        question = read_question(packet, self._names)
        if question is None:
            return None, False
        address = question.about or parse_address(client)
        if address is None:
            return None, False
        place, length = self._locate(address)
        key = (question.name, question.kind, place.site, place.coordinates, place.country)
        if key in self._records:
            records = self._records[key]
        else:
            records = self._records[key] = self._look_up(question, place)
        if records is None:
            return None, False
        told = question.source_length
        scope = min(length, _WIDTHS[question.subnet[1]]) if told else 0
        wire = format_answer(packet, question, records[0], records[1], scope, UDP_BYTES_MAX)
        return wire, not told

    def _look_up(self, question: Question, place: Place) -> tuple[bytes, int] | None:
        name, _ = dns.name.from_wire(question.name, 0)
        found = self._zone.addresses(name, dns.rdatatype.RdataType(question.kind), place)
        packed = [ip_address(each).packed for each in found]
        records = format_records(question.kind, self._zone.ttl_seconds, packed)
        return (records, len(packed)) if packed else None

    def _compute(
        self, packet: bytes, client: str, *, udp: bool
    ) -> tuple[bytes | None, bool | None]:
        """Wire bytes, and whether they depend on the client; None where not to be remembered."""
        flags = struct.unpack_from("!H", packet, 2)[0]
        if flags & dns.flags.QR:
            return None, None
        if flags & _QUERY_MASK:
            return _refusal(packet, dns.rcode.NOTIMP), None
        try:
            query = dns.message.from_wire(packet, ignore_trailing=False)
        except (dns.exception.DNSException, ValueError, struct.error, IndexError):
            return _refusal(packet, dns.rcode.FORMERR), None
        if len(query.question) != 1 or query.answer or query.authority or query.had_tsig:
            return _refusal(packet, dns.rcode.FORMERR), None
        return self._respond(query, client, udp=udp)

    def _respond(
        self, query: dns.message.Message, client: str, *, udp: bool
    ) -> tuple[bytes | None, bool | None]:
        response = dns.message.make_response(query, our_payload=UDP_BYTES_MAX)
        if query.edns > 0:
            response.use_edns(0, payload=UDP_BYTES_MAX)
            response.set_rcode(dns.rcode.BADVERS)
            return response.to_wire(), False
        subnets = [option for option in query.options if isinstance(option, dns.edns.ECSOption)]
        if len(subnets) > 1 or any(not _is_sound(option) for option in subnets):
            response.set_rcode(dns.rcode.FORMERR)
            return response.to_wire(), None
        question = query.question[0]
        if question.rdclass != dns.rdataclass.IN or not self._zone.holds(question.name):
            response.set_rcode(dns.rcode.REFUSED)
            return response.to_wire(), False
        if question.rdtype in _ACT_AS_NAMED:
            response.set_rcode(dns.rcode.REFUSED)
            return response.to_wire(), False
        subnet = subnets[0] if subnets else None
        about = subnet.address if subnet is not None and subnet.srclen else client
        address = parse_address(about)
        place, length = self._locate(address) if address else (Place(Source.DEFAULT), 0)
        reply = self._zone.resolve(question.name, question.rdtype, place)
        _fill(response, reply)
        if subnet is not None:
            scope = _scope(subnet, length) if reply.by_place else 0
            echo = dns.edns.ECSOption(subnet.address, subnet.srclen, scope)
            response.use_edns(0, payload=UDP_BYTES_MAX, options=[echo])
        # The order is the chooser's: best first.
        wire = response.to_wire(max_size=_MESSAGE_BYTES_MAX, want_shuffle=False)
        if udp and len(wire) > _room(query):
            response.answer.clear()
            response.authority.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        by_client = reply.by_place and about is client
        return wire, None if reply.rcode == dns.rcode.SERVFAIL else by_client


def truncated(packet: bytes) -> bytes:
    """The answer that sends a client over to TCP (response-rate limiting)."""
    return _refusal(packet, dns.rcode.NOERROR, dns.flags.TC)


def _fill(response: dns.message.Message, reply: Reply) -> None:
    response.flags |= dns.flags.AA
    response.set_rcode(reply.rcode)
    response.answer.extend(reply.answer)
    response.authority.extend(reply.authority)


def _room(query: dns.message.Message) -> int:
    if query.edns < 0:
        return PLAIN_UDP_BYTES_MAX
    return min(max(query.payload, PLAIN_UDP_BYTES_MAX), UDP_BYTES_MAX)


def _scope(subnet: dns.edns.ECSOption, length: int) -> int:
    """The prefix the answer holds for (RFC 7871 7.2.1); nothing narrower than was asked about
    when the client told nothing."""
    if not subnet.srclen:
        return 0
    width = 32 if subnet.family == 1 else 128
    return min(length, width)


def _is_sound(option: dns.edns.ECSOption) -> bool:
    """A client's option: scope 0, and no bits beyond its prefix (RFC 7871 6)."""
    if option.scopelen:
        return False
    address = ip_address(option.address)
    return int(address) & ((1 << (address.max_prefixlen - option.srclen)) - 1) == 0


def _refusal(packet: bytes, rcode: int, more_flags: int = 0) -> bytes:
    """A bare header with the question, where it can be told which bytes that is."""
    number, flags, questions = struct.unpack_from("!HHH", packet)
    kept = flags & (_QUERY_MASK | dns.flags.RD)
    question = _question(packet) if questions == 1 else b""
    head = struct.pack(
        "!HHHHHH", number, dns.flags.QR | kept | more_flags | rcode, bool(question), 0, 0, 0
    )
    return head + question


def _question(packet: bytes) -> bytes:
    position = HEADER_BYTES
    while position < len(packet) and packet[position]:
        if packet[position] > 63:
            return b""
        position += packet[position] + 1
    end = position + 5
    if position - HEADER_BYTES >= _NAME_BYTES_MAX:
        return b""
    return packet[HEADER_BYTES:end] if end <= len(packet) else b""
