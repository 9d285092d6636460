"""A question for a name longer than names can be came back in its refusal: an answer nobody reads.

Found by `python -m scripts.fuzz dns`.
"""

from __future__ import annotations

import dns.message
import dns.rcode

from tests.geo_router.dns_worlds import dns_world

HEAD = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
LONG = (b"\x3f" + b"a" * 63) * 4 + b"\0"
LONGEST = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0"


def test_the_refusal_leaves_it_out() -> None:
    answer = dns_world().answerer.answer(HEAD + LONG + b"\0\1\0\1", "192.0.2.7")
    assert answer is not None
    read = dns.message.from_wire(answer)
    assert read.rcode() == dns.rcode.FORMERR
    assert read.question == []


def test_the_longest_name_there_is_is_repeated() -> None:
    answer = dns_world().answerer.answer(HEAD + LONGEST + b"\0\1\0\1", "192.0.2.7")
    assert answer is not None
    assert len(dns.message.from_wire(answer).question) == 1
