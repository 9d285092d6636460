"""The target that reads questions of the DNS."""

from __future__ import annotations

from typing import Final

import dns.exception
import dns.message

from config.load import parse_topology
from config.locating import Dns, Geo
from config.topology import RouterSettings
from geo_router.dns_answer import Answerer
from geo_router.dns_zone import Zone
from geo_router.families import build_families
from geo_router.fleet import Observation, Result
from geo_router.locate import Locator
from scripts.fuzz.target import BrokenError, Target, require


def _answerer() -> Answerer:
    topology = parse_topology(
        """
sites: [{name: fra, latitude: 50.1, longitude: 8.7}]
routers: [{name: r, listen: "127.0.0.1:8080"}]
origins: [{name: o, listen: "127.0.0.1:8000", data: films}]
edges:
  - {name: e1, site: fra, listen: 127.0.0.1:9001, disks: [{path: c, size_bytes: 1GB}],
     addresses: [192.0.2.1, "2001:db8::1"]}
""",
        {},
    )
    families = build_families(topology, RouterSettings(), 1000.0)
    families.observe("e1", (4, 6), Observation(Result.ANSWERED, "ready", 0.001), 1000.0)
    settings = Dns("cdn.example", nameservers=("ns1.cdn.example",), hosts={"ns1": "192.0.2.53"})
    locator = Locator(Geo("fra", {"10.0.0.0/8": "fra"}))
    zone = Zone(settings, topology.edges, families)
    return Answerer(zone, locator.locate_network, lambda: _EPOCH[0])


_EPOCH: Final = [0]
"""Changed to let the answerer forget."""
_ANSWERER: Final = _answerer()
_UDP_BYTES_MAX: Final = 1232


def read_dns(data: bytes) -> None:
    """A question: an answer that a library reads, or silence; asked again, the same."""
    answer = _ANSWERER.answer(data, "10.0.0.1")
    require(answer == _ANSWERER.answer(data, "10.0.0.1"), "asked again, another answer")
    require(answer == _answered_afresh(data), "what is remembered changes an answer")
    if answer is None:
        return
    require(len(answer) <= max(_UDP_BYTES_MAX, len(data)), "more than a packet takes")
    require(answer[:2] == data[:2] and bool(answer[2] & 0x80), "no answer to this question")
    _ANSWERER.answer(data, "10.0.0.1", udp=False)
    if answer[2] & 0x78:
        return  # dnspython reads messages of other operations as more than a refusal
    try:
        dns.message.from_wire(answer)
    except dns.exception.DNSException as error:
        raise BrokenError(f"dnspython cannot read the answer: {error!r}") from error


def _answered_afresh(data: bytes) -> bytes | None:
    _EPOCH[0] += 1
    return _ANSWERER.answer(data, "10.0.0.1")


_QUESTION: Final = (
    b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3cdn\7example\0\0\1\0\1",
    b"\x12\x34\1\0\0\1\0\0\0\0\0\1\3cdn\7example\0\0\x1c\0\1"
    b"\0\0\x29\4\xd0\0\0\0\0\0\x0b\0\x08\0\7\0\1\x18\0\x0a\1\2",
    b"\0\1\0\0\0\1\0\0\0\0\0\0\3ns1\3cdn\7example\0\0\xff\0\1",
    b"\0\1\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1",
)
TARGETS: Final = (
    Target("dns", read_dns, _QUESTION,
           (b"\0\0\x29", b"\0\x08\0\4\0\1\0\0", b"\xc0\x0c", b"\3cdn\7example\0", b"\0\xff\0\1",
            b"\x3f" + b"a" * 63, b"\0\x0a\0\x08", b"\0\2\x18\0")),
)  # fmt: skip
