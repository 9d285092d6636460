"""A long answer to a question with EDNS was none at all: writing it failed before it was cut.

The library stops at the size that the client told for UDP, also over TCP.
"""

from __future__ import annotations

import dns.flags
import dns.message

from config.locating import Dns
from tests.geo_router.dns_worlds import dns_world

MANY = tuple(f"{'n' * 40}{number}.servers.example.net" for number in range(24))


def test_it_is_truncated_over_udp_and_whole_over_tcp() -> None:
    answerer = dns_world(Dns("cdn.example", nameservers=MANY)).answerer
    question = dns.message.make_query("cdn.example", "NS", use_edns=0, payload=1232).to_wire()
    short = answerer.answer(question, "192.0.2.7")
    whole = answerer.answer(question, "192.0.2.7", udp=False)
    assert short is not None
    assert whole is not None
    assert dns.message.from_wire(short).flags & dns.flags.TC
    assert len(dns.message.from_wire(whole).answer[0]) == len(MANY)
