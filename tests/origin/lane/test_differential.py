"""The lane and the full server answer in the same bytes, log the same lines, count the same."""

from __future__ import annotations

import os
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cdnkit.dates import format_http_date
from tests.helpers.clock import FakeClock
from tests.origin.lane.doors import EXTENT_BYTES, Doors, doors, talk

ROUNDS = int(os.environ.get("CINEDGE_DIFFERENTIAL_ROUNDS", "60"))
FILM = random.Random(5).randbytes(3 * EXTENT_BYTES + 100)
SMALL = b"a small object"
PATHS = (
    *("films/a.mp4", "films/a.mp4", "films/a.mp4", "small", "empty", "none", "films/../small"),
    *("small?x=1", "films/a.mp4?token=secret", "%73mall", "small#part", "films//a.mp4", ""),
)
RANGES = (
    *("bytes=0-0", "bytes=0-", "bytes=-5", "bytes=-0", "Bytes=1-2", "bytes=1-2,5-6", "bytes=5-4"),
    *(f"bytes={EXTENT_BYTES - 3}-{2 * EXTENT_BYTES + 3}", f"bytes=0-{len(FILM) + 9}", "lines=1-2"),
    *("bytes=007-0009", f"bytes=99-{'9' * 30}", "bytes=999999-", "bytes=999999-9999999", "bytes"),
)
LINES = (
    *("User-Agent: player/1", 'User-Agent: "quoted" \\player', "Accept: */*", "Cookie: a=b"),
    *("X-Request-Id: abc-123", "X-Request-Id: not sane!", "Connection: keep-alive", "TE: trailers"),
    *("If-None-Match: ETAG", 'If-None-Match: "no"', "If-Match: ETAG", 'If-Match: "no"'),
    *("If-Range: ETAG", 'If-Range: "no"', "If-Modified-Since: DATE", "If-Unmodified-Since: DATE"),
    *("Content-Length: 0", "Expect: nothing", "Host: twice", "Folded: a\r\n b", "Bad Name: x"),
    *("Transfer-Encoding: identity", "Upgrade: h2c", "Origin: http://a", "X-Odd: \xe9"),
)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Doors]:
    async with doors(tmp_path) as opened:
        for key, data in (("films/a.mp4", FILM), ("small", SMALL), ("empty", b"")):
            await opened.put(key, data)
        yield opened


def request(chance: random.Random, pair: Doors) -> bytes:
    """One request, more often plain than not."""
    method = chance.choice(["GET"] * 8 + ["HEAD", "HEAD", "OPTIONS", "get"])
    version = chance.choice(["1.1"] * 12 + ["1.0"])
    lines = [f"{method} /v1/content/{chance.choice(PATHS)} HTTP/{version}"]
    if chance.random() < 0.97:
        lines.append(chance.choice(["Host: films.example", "Host: [::1]:80", "host: a"]))
    if chance.random() < 0.7:
        lines.append(chance.choice(["Range: ", "range:", "Range: "]) + chance.choice(RANGES))
    if chance.random() < 0.4:
        lines += chance.sample(LINES, chance.randint(1, 2))
    row = pair.parts.catalog.objects.get("films/a.mp4")
    assert row is not None
    text = "\r\n".join([*lines, "", ""])
    text = text.replace("ETAG", row.etag).replace("DATE", format_http_date(row.created_at))
    return text.encode("latin-1")


def masked(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines without what differs from run to run."""
    for line in lines:
        for name in ("time", "duration_ms"):
            line.pop(name, None)
        if re.fullmatch("[0-9a-f]{16}", line.get("request_id", "")):
            line["request_id"] = "*"
    return sorted(lines, key=str)  # the lane writes its own a little later


async def test_nobody_can_tell_the_doors_apart(pair: Doors) -> None:
    chance = random.Random(20)
    for _ in range(ROUNDS):
        conversation = [request(chance, pair) for _ in range(chance.randint(1, 4))]
        short = await talk(pair.short, conversation)
        short_lines = masked(await pair.lines())
        full = await talk(pair.full, conversation)
        assert short == full, conversation
        assert short_lines == masked(await pair.lines()), conversation


async def test_requests_sent_at_once_are_answered_in_order(pair: Doors) -> None:
    chance = random.Random(3)
    for _ in range(20):
        packet = b"".join(
            b"GET /v1/content/films/a.mp4 HTTP/1.1\r\nHost: a\r\nRange: bytes=%d-%d\r\n\r\n"
            % (start := chance.randrange(1000), start + chance.randrange(200_000))
            for _ in range(chance.randint(2, 6))
        )
        short, full = await pair.both([packet])
        assert short == full


async def test_plain_reads_are_the_lanes_and_are_counted(pair: Doors) -> None:
    plain = b"GET /v1/content/small HTTP/1.1\r\nHost: a\r\nRange: bytes=%d-%d\r\n\r\n"
    before = pair.count(206)
    answer = await talk(pair.short, [plain % (n, n + 2) for n in range(5)])
    assert answer.count(b"206 Partial Content") == 5
    assert pair.count(206) == before + 5
    lines = await pair.lines()
    assert sorted(line["status"] for line in lines) == [206] * 5 + [404]


async def test_a_new_generation_is_served_by_requests_that_were_prepared(pair: Doors) -> None:
    plain = b"GET /v1/content/small HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4\r\n\r\n"
    await talk(pair.short, [plain, plain])
    await pair.put("small", b"other bytes")
    assert (await talk(pair.short, [plain])).split(b"HTTP/1.1")[1].endswith(b"\r\n\r\nother")
    await pair.parts.catalog.delete("small", lambda current: None)
    assert b" 404 Not Found" in await talk(pair.short, [plain])


def test_the_clock_of_the_doors_stands_still() -> None:
    """Or dates of objects would differ between the conversations."""
    clock = FakeClock()
    assert clock() == clock()
