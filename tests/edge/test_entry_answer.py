"""Answers from entries: bytes, ranges, conditions, and the lines this hop adds."""

from __future__ import annotations

import asyncio
import email.parser
import random
from email.message import Message

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.edge.conftest import BLOCK, Edge, Plan, Thing, says, started_origin
from tests.helpers.raw_client import Answer

FILM = random.Random(7).randbytes(5 * BLOCK + 1234)
PATH = "/films/a.mp4"
MODIFIED = "Tue, 15 Nov 1994 12:45:26 GMT"


async def test_the_whole_is_byte_exact_cold_and_warm(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    cold, warm = await client.ask(PATH), await client.ask(PATH)
    assert cold.status == warm.status == 200
    assert cold.body == warm.body == FILM
    assert cold.fields["cache-status"].startswith("edge-1; fwd=uri-miss; fwd-status=200; stored")
    assert cold.fields["cache-status"].endswith("detail=cold")
    assert warm.fields["cache-status"].startswith("edge-1; hit; ttl=")
    assert int(warm.fields["age"]) <= 2
    assert warm.fields["via"] == "1.1 edge-1"


RANGES = {
    f"bytes=0-{BLOCK - 1}": (0, BLOCK),
    f"bytes={BLOCK - 1}-{BLOCK}": (BLOCK - 1, BLOCK + 1),
    f"bytes=10-{4 * BLOCK}": (10, 4 * BLOCK + 1),
    f"bytes={BLOCK}-": (BLOCK, len(FILM)),
    "bytes=-1": (len(FILM) - 1, len(FILM)),
    f"bytes=-{10 * BLOCK}": (0, len(FILM)),
    f"bytes={len(FILM) - 1}-{len(FILM) + 99}": (len(FILM) - 1, len(FILM)),
}


async def test_ranges_cold_and_warm_are_the_bytes_they_name(plan: Plan) -> None:
    plan.origin.put(PATH, FILM)
    for number, (header, (start, stop)) in enumerate(RANGES.items()):
        plan.cache = plan.cache.parent / f"cache-{number}"
        async with plan.start() as edge:
            client = await edge.client()
            for _ in range(2):
                answer = await client.ask(PATH, f"Range: {header}")
                assert answer.status == 206
                assert answer.body == FILM[start:stop], header
                expected = f"bytes {start}-{stop - 1}/{len(FILM)}"
                assert answer.fields["content-range"] == expected


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 6 * BLOCK),
    block=st.sampled_from([BLOCK, 2 * BLOCK, 1 << 20]),
    cuts=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 1 << 20)), max_size=6),
)
def test_any_range_of_any_size_is_byte_exact(
    seed: int,
    size: int,
    block: int,
    cuts: list[tuple[int, int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    content = random.Random(seed).randbytes(size)
    ranges = [(a % size, a % size + b % (size - a % size)) for a, b in cuts]

    async def run() -> None:
        async with started_origin() as origin:
            plan = Plan(origin, tmp_path_factory.mktemp("cache")).but(block_bytes=block)
            origin.put(PATH, content)
            async with plan.start() as edge:
                client = await edge.client()
                for first, last in ranges:
                    answer = await client.ask(PATH, f"Range: bytes={first}-{last}")
                    assert (answer.status, answer.body) == (206, content[first : last + 1])
                assert (await client.ask(PATH)).body == content

    asyncio.run(run())


def _parts(answer: Answer) -> list[Message]:
    text = b"Content-Type: " + answer.fields["content-type"].encode() + b"\r\n\r\n" + answer.body
    parsed = email.parser.BytesParser().parsebytes(text)
    return [part for part in parsed.get_payload() if isinstance(part, Message)]


async def test_several_ranges_come_as_multipart(edge: Edge) -> None:
    text = bytes(range(32, 127)) * 3000
    edge.origin.put(PATH, text)
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask(PATH, f"Range: bytes=0-9, {BLOCK - 5}-{BLOCK + 5}, -7")
        assert answer.status == 206
        assert answer.fields["content-type"].startswith("multipart/byteranges; boundary=")
        parts = _parts(answer)
        assert [part["Content-Range"] for part in parts] == [
            f"bytes 0-9/{len(text)}",
            f"bytes {BLOCK - 5}-{BLOCK + 5}/{len(text)}",
            f"bytes {len(text) - 7}-{len(text) - 1}/{len(text)}",
        ]
        assert [part["Content-Type"] for part in parts] == ["video/mp4"] * 3
        got = [str(part.get_payload()).encode() for part in parts]
        assert got == [text[:10], text[BLOCK - 5 : BLOCK + 6], text[-7:]]


async def test_a_range_beyond_the_end_is_416_and_names_the_length(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask(PATH, f"Range: bytes={len(FILM)}-")
        assert answer.status == 416
        assert answer.fields["content-range"] == f"bytes */{len(FILM)}"
    assert (await client.ask(PATH, "Range: bytes=0-3")).body == FILM[:4]


async def test_a_malformed_range_is_ignored(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    for text in ("bytes=5-2", "bites=0-1", "bytes=a-b", "bytes="):
        answer = await client.ask(PATH, f"Range: {text}")
        assert (answer.status, answer.body) == (200, FILM), text


async def test_head_says_what_get_would_and_sends_nothing(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    cold = await client.ask(PATH, method="HEAD")
    await client.ask(PATH)
    warm = await client.ask(PATH, method="HEAD")
    ranged = await client.ask(PATH, "Range: bytes=0-3", method="HEAD")
    for answer in (cold, warm, ranged):
        assert answer.status == 200
        assert answer.fields["content-length"] == str(len(FILM))
    assert client.buffer == b""
    assert (await client.ask(PATH, "Range: bytes=0-3")).body == FILM[:4]


async def test_an_empty_object_is_stored_and_served(edge: Edge) -> None:
    edge.origin.put(PATH, b"")
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask(PATH)
        assert (answer.status, answer.body, answer.fields["content-length"]) == (200, b"", "0")
    assert (await client.ask(PATH, "Range: bytes=0-0")).status == 416


async def test_if_range_decides_whether_the_range_counts(edge: Edge) -> None:
    thing = edge.origin.put(PATH, FILM)
    client = await edge.client()
    await client.ask(PATH)
    same = await client.ask(PATH, "Range: bytes=0-3", f"If-Range: {thing.etag}")
    assert (same.status, same.body) == (206, FILM[:4])
    other = await client.ask(PATH, "Range: bytes=0-3", 'If-Range: "other"')
    assert (other.status, other.body) == (200, FILM)
    weak = await client.ask(PATH, "Range: bytes=0-3", f"If-Range: W/{thing.etag}")
    assert weak.status == 200


def dated() -> Thing:
    return Thing(FILM, lines=("Cache-Control: max-age=3600", f"Last-Modified: {MODIFIED}"))


async def test_conditions_answer_304_and_412(edge: Edge) -> None:
    thing = edge.origin.things[PATH] = dated()
    client = await edge.client()
    for cold in (True, False):
        match = await client.ask(PATH, f'If-None-Match: "x", W/{thing.etag}')
        assert match.status == 304, cold
        assert match.fields["etag"] == thing.etag
        assert match.fields["cache-control"] == "max-age=3600"
        assert "content-length" not in match.fields
    assert (await client.ask(PATH, 'If-None-Match: "x"')).body == FILM
    assert (await client.ask(PATH, f"If-Modified-Since: {MODIFIED}")).status == 304
    late = "Tue, 15 Nov 1994 12:45:25 GMT"
    assert (await client.ask(PATH, f"If-Modified-Since: {late}")).status == 200
    failed = await client.ask(PATH, 'If-Match: "x"')
    assert (failed.status, failed.body) == (412, b"")
    assert (await client.ask(PATH, f"If-Match: {thing.etag}")).status == 200
    assert (await client.ask(PATH, f"If-Unmodified-Since: {late}")).status == 412
    assert (await client.ask(PATH, "If-Match: *", "Range: bytes=1-1")).body == FILM[1:2]


async def test_an_origins_own_cors_lines_stand_alone(edge: Edge) -> None:
    lines = ("Cache-Control: max-age=60", "Access-Control-Allow-Origin: https://a.test")
    edge.origin.put(PATH, FILM, lines=lines)
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask(PATH)
        assert answer.fields["access-control-allow-origin"] == "https://a.test"


async def test_cached_lines_of_the_hop_before_are_kept_in_front(edge: Edge) -> None:
    lines = ("Cache-Control: max-age=60", "Cache-Status: shield; hit", "Via: 1.1 shield", "Age: 7")
    edge.origin.put(PATH, FILM, lines=lines)
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask(PATH)
        assert answer.fields["cache-status"].startswith("shield; hit, edge-1; ")
        assert answer.fields["via"] == "1.1 shield, 1.1 edge-1"
        assert int(answer.fields["age"]) in (7, 8, 9)


async def test_a_first_range_is_a_miss_and_the_next_part_a_partial_hit(edge: Edge) -> None:
    edge.origin.put(PATH, random.Random(1).randbytes(64 * BLOCK))
    client = await edge.client()
    assert "uri-miss" in (await client.ask(PATH, "Range: bytes=0-9")).fields["cache-status"]
    far = await client.ask(PATH, f"Range: bytes={60 * BLOCK}-{60 * BLOCK + 5}")
    assert far.fields["cache-status"].startswith("edge-1; fwd=partial")
    assert "detail=cold" in far.fields["cache-status"]


async def test_a_stored_404_is_served_whole_whatever_the_range(edge: Edge) -> None:
    edge.origin.scripts["/no"] = says("404 Not Found", b"nothing here", "Cache-Control: max-age=60")
    client = await edge.client()
    for _ in range(2):
        answer = await client.ask("/no", "Range: bytes=0-2", 'If-None-Match: "x"')
        assert (answer.status, answer.body) == (404, b"nothing here")
        assert "accept-ranges" not in answer.fields
