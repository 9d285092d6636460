"""Two edges before one origin, one without a fast lane: nobody can tell which of them answered.

Both get the same bytes in the same packets and must send the same bytes back; only request ids
are masked. A barrier on a connection of its own separates packets: its answer says they were read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cdnkit.tokens import Claims, sign
from config.token_keys import TokenKey
from config.topology import Route
from edge.account import Counters
from edge.app import Worker, worker
from edge.cache.holdings import Holdings
from tests.edge.conftest import BLOCK, Asked, Origin, Plan, eventually, plain_answer, says
from tests.helpers.clock import FakeClock
from tests.helpers.raw_client import LIMIT_SECONDS, RawClient, head

pytestmark = pytest.mark.both_forms

ROUNDS = int(os.environ.get("CINEDGE_DIFFERENTIAL_ROUNDS", "400"))
"""Steps of the generated conversation, of one to three requests each; at length 1200."""
SECRET = "k" * 40
SENTINEL = head("/sentinel", "X-Mark: end")
END = b"the sentinel has been answered"
FILM = random.Random(11).randbytes(3 * BLOCK + 100)
PATHS = ("/film", "/small", "/exact", "/empty", "/none", "/varies", "/private", "/weak", "/short")
QUERIES = (
    *("", "", "", "?", "?x=1", "?CMCD=br%3D1", "?x=1&CMCD=br%3D2", "?CMCD=1&x=1", "??CMCD=1"),
    *("?x=?CMCD=1", "&CMCD=1", "?&CMCD=1", "?xCMCD=1", "?x=1&CMCD=1&CMCD=2", "?CMCD=", "?x=1?"),
)
RANGES = (
    *("bytes=0-0", "bytes=0-", "bytes=-5", "bytes=-0", "Bytes=1-2", "bytes= 1-2", "bytes=1-2 "),
    *("bytes=1 -2", "bytes=1-2,5-6", "bytes=1-2,", "bytes=007-0009", "bytes=5-4", "bytes=--5"),
    *(f"bytes={BLOCK - 1}-{BLOCK}", f"bytes={BLOCK}-{2 * BLOCK - 1}", f"bytes=0-{4 * BLOCK}"),
    *("bytes=99999999-", "bytes=99999999-99999999", "bytes=0-99999999999999999999999999"),
    *(f"bytes={'9' * 30}-{'9' * 31}", f"bytes={'0' * 60}1-2", f"bytes=0-{'9' * 2500}", "bytes=1"),
    *("bytes=\xb2-\xb3", "bytes=1-2\t", "bytes=+1-2", "bytes=0x1-2", "lines=1-2", "bytes", ""),
)
LINES = (
    *("User-Agent: player/1", 'User-Agent: "quoted" \\player', "Accept: */*", "Cookie: a=b"),
    *("Connection: keep-alive", "Connection: Keep-Alive", "Connection: close", "TE: trailers"),
    *("CMCD-Request: bl=100", "CMCD-Request: bl=2", "cmcd-status:", 'CMCD-Session: sid="x\\xe9"'),
    *("CMCD-Object: br=1,d=2", "CMCD-Object: br=9", "CMCD-Request : bl=1", "CMCD-Other: 1"),
    *("Connection: x-thing", "Cookie: cinedge_token=bad; a=b"),
    *("Cookie: a=b; cinedge_token=GOOD", "Cache-Control: no-cache", "Cache-Control: max-age=0"),
    *("Cache-Control: only-if-cached", "Pragma: no-cache", "Via: 1.1 someone", "Accept: text/*"),
    *("CDN-Loop: edge-1", "CDN-Loop: other", "Expect: nothing", "Authorization: Basic eA=="),
    *("Content-Length: 0", "Upgrade: h2c", "If-None-Match: ETAG", 'If-None-Match: "no"'),
    *("If-Match: ETAG", 'If-Match: "no"', "If-Range: ETAG", 'If-Range: "no"'),
    *("If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT", "Accept-Encoding: gzip", "X-Empty:"),
    *("Accept-Language: de", "Origin: https://tv.example", " folded", "Bad Name: x", "Host: two"),
)
ETAGS = {path: f'"{path[1:]}-1"' for path in PATHS}


@dataclass(slots=True)
class Side:
    """One of the two edges, and the connections to it."""

    worker: Worker
    client: RawClient
    barrier: RawClient
    log: Path

    async def connect(self) -> None:
        """Begin anew on a fresh connection."""
        self.client.close()
        self.client = await RawClient.connect(*address_of(self.worker))

    async def send(self, packets: list[bytes]) -> None:
        """Each packet is read by itself. The edge may have closed before the last of them."""
        for packet in packets:
            with contextlib.suppress(ConnectionError):
                await self.client.send(packet)
            await self.barrier.ask("/sentinel")

    async def rest(self) -> bytes:
        """What comes until the sentinel is answered or the connection ends."""
        pieces, loop = bytearray(), asyncio.get_running_loop()
        async with asyncio.timeout(LIMIT_SECONDS):
            while not pieces.endswith(END):
                try:
                    data = await loop.sock_recv(self.client.sock, 1 << 20)
                except ConnectionError:
                    return masked(bytes(pieces)) + b"(reset)"
                if not data:
                    return masked(bytes(pieces)) + b"(end)"
                pieces += data
        return masked(bytes(pieces))


@dataclass(slots=True)
class Both:
    """The edge with its fast lane, the one without, and their clock."""

    laned: Side
    plain: Side
    origin: Origin
    clock: FakeClock
    good_token: str
    taken: int = 0
    script: list[list[bytes]] = field(default_factory=list)

    async def say(self, packets: list[bytes], *, last: bool = False) -> None:
        """Both must answer this alike; `last` half-closes instead of asking for the sentinel."""
        self.script.append(packets)
        packets = packets if last else [*packets, SENTINEL]
        heard: list[bytes] = []
        for side in (self.laned, self.plain):
            await side.send(packets)
            if last:
                with contextlib.suppress(OSError):
                    side.client.half_close()
            heard.append(await side.rest())
        assert heard[0] == heard[1], self.script[-6:]
        for side in (self.laned, self.plain):
            await eventually(partial(is_calm, side.worker.holdings), "nothing is on its way")
        if not heard[0].endswith(END):
            for side in (self.laned, self.plain):
                await side.connect()

    def tick(self, seconds: float) -> None:
        """Time passes on both sides."""
        self.clock.advance(seconds)
        for side in (self.laned, self.plain):
            side.worker.server.tick(side.worker.server.now)


def address_of(edge: Worker) -> tuple[str, int]:
    return edge.address.host, edge.address.port


def masked(data: bytes) -> bytes:
    """Without request ids and what they make longer."""
    data = re.sub(rb"X-Request-Id: [0-9a-f]{12}(?:[0-9a-f]{4}|-f?[0-9a-f]+)\r\n", b"(id)\r\n", data)
    data = re.sub(rb"boundary=[0-9a-f]+|--[0-9a-f]{24}", b"(boundary)", data)
    problem = rb"(application/problem\+json\r\nContent-Length: )[0-9]+"
    return re.sub(rb"urn:request:[0-9a-f-]+", b"(id)", re.sub(problem, rb"\1", data))


def echoing(path: str, content: bytes, *lines: str) -> Callable[..., Any]:
    """Content under a path whose head tells the whole target, as far as the origin sees it."""

    async def script(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not re.fullmatch(r"bytes=[0-9]{1,9}-[0-9]{1,9}", asked.fields.get("range", "")):
            asked.fields.pop("range", None)
        if asked.method not in ("GET", "HEAD"):
            # What succeeded would be forgotten, and how fast it comes back is chance.
            writer.write(plain_answer("405 No", b""))
            return
        one = Origin()
        said = (*lines, "Content-Type: video/mp4", f"X-Target: {asked.target}")
        one.put(path, content, etag=ETAGS.get(path, '"other"'), lines=said)
        await one.serve_thing(asked, reader, writer)

    return script


@contextlib.asynccontextmanager
async def side(plan: Plan, clock: FakeClock, name: str, targets_max: int) -> AsyncIterator[Side]:
    folder = plan.cache / name
    plan = replace(plan, cache=folder).but(access_log=str(folder) + ".log")
    async with worker(
        plan.node(), plan.topology(), now=clock, lane_targets_max=targets_max
    ) as running:
        made = Side(
            running,
            await RawClient.connect(*address_of(running)),
            await RawClient.connect(*address_of(running)),
            Path(str(folder) + ".log"),
        )
        try:
            yield made
        finally:
            made.client.close()
            made.barrier.close()


@pytest.fixture
async def both(origin: Origin, plan: Plan) -> AsyncIterator[Both]:
    clock = FakeClock(float(int(time.time())) + 0.25)
    keep = "Cache-Control: max-age=3600"
    for path, content, *lines in (
        ("/film", FILM, keep),
        ("/small", b"small" * 20, "Cache-Control: max-age=60"),
        ("/exact", FILM[: 2 * BLOCK], keep),
        ("/empty", b"", keep),
        ("/varies", b"varies" * 9, keep, "Vary: Accept-Encoding"),
        ("/private", b"private", "Cache-Control: private"),
        ("/weak", b"weak" * 10, keep, "Via: 1.1 far", "Cache-Status: far; hit", "Age: 5"),
        ("/short", b"short" * 10, "Cache-Control: max-age=3"),
        ("/film&CMCD=1", b"quite another film", keep),
        ("/sentinel", END, keep),
    ):
        origin.scripts[path] = echoing(path, content, *lines)
    origin.scripts["/guarded/film"] = echoing("/guarded/film", FILM[:999], keep)
    origin.scripts["/post"] = says("200 OK", b"thanks")
    plan.cache.mkdir()
    plan = replace(
        plan,
        routes=(
            Route(prefix="/guarded/", upstream=(f"{origin.url}/guarded/",), token=True),
            Route(prefix="/", upstream=(origin.url,)),
        ),
        token_keys=(TokenKey("k1", SECRET),),
    )
    token = sign(
        Claims("k1", "/guarded/", int(clock.now) + 3000, session="s1"), {"k1": SECRET.encode()}
    )
    async with (
        side(plan, clock, "laned", 100) as laned,
        side(plan, clock, "plain", 0) as plain,
    ):
        # Tokens could limit a pace, so the edge leaves first requests alone; these limit none.
        laned.worker.lane.recalls = True
        made = Both(laned, plain, origin, clock, token)
        for each in (laned, plain):
            for path in ("/film", "/exact"):
                for query in QUERIES:
                    await each.barrier.ask(path + query)
            holdings = each.worker.holdings
            await eventually(partial(is_calm, holdings), "films are held")
            for _ in range(2):
                await each.barrier.ask("/sentinel")
        yield made


def same(counters: list[Counters]) -> bool:
    one, other = counters
    return (one.requests, one.cut_short) == (other.requests, other.cut_short)


def has_two_connections(side: Side) -> bool:
    return len(side.worker.server.connections) == 2


def is_settled(side: Side) -> bool:
    return not side.worker.server._tasks


def is_calm(holdings: Holdings) -> bool:
    return not any(entry.growing for entry in holdings.entries.values())


def generated(both: Both, chance: random.Random) -> bytes:
    """A request of a player, an operator, a scanner or an attacker."""
    path = chance.choice(PATHS) if chance.random() < 0.6 else chance.choice(("/film", "/small"))
    target = path + chance.choice(QUERIES)
    if chance.random() < 0.12:
        token = both.good_token if chance.random() < 0.8 else "bad"
        target = chance.choice((f"/~{token}/guarded/film", f"/guarded/film?token={token}"))
        if chance.random() < 0.2:
            target = f"/~{both.good_token}{path}"
    if chance.random() < 0.03:
        target = chance.choice(("http://edge.test" + path, path + " x", path + "#x", "*", ""))
    lines = []
    if chance.random() < 0.5:
        first = chance.randrange(len(FILM))
        plain = f"bytes={first}-{first + chance.randrange(1, 2 * BLOCK)}"
        value = plain if chance.random() < 0.5 else chance.choice(RANGES)
        name = "Range" if chance.random() < 0.9 else chance.choice(("range", "RANGE", "Range "))
        lines.append(f"{name}: {value}")
        if chance.random() < 0.04:
            lines.append("Range: bytes=3-4")
    if chance.random() < 0.2:
        said = (f"CMCD-Request: bl={chance.randrange(9)}", "CMCD-Session: sid=1", "CMCD-Status: bs")
        lines += said[: chance.randrange(1, 4)]
    for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2))):
        line = chance.choice(LINES).replace("ETAG", ETAGS[path])
        lines.insert(chance.randrange(len(lines) + 1), line.replace("GOOD", both.good_token))
    method = "GET" if chance.random() < 0.92 else chance.choice(("HEAD", "POST", "OPTIONS", "get"))
    if method == "POST":
        target = "/post"
    version = "1.1" if chance.random() < 0.95 else chance.choice(("1.0", "1.2", "2.0", "1.1 "))
    return head(target, *lines, method=method, version=version)


def attacked(request: bytes, chance: random.Random) -> bytes:
    """The request with something done to it that a careless comparison would not see."""
    at = chance.randrange(len(request) + 1)
    start = request.find(b"bytes=") + 6 if b"bytes=" in request else at
    bits = (
        *(b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b"-", b"1", b"\r\nRange: bytes=", b"\n", b"\r"),
        *(b"1-2\r\nX: y", b"1-2\r\n\r\nGET /private HTTP/1.1\r\nHost: edge.test\r\n\r\n", b":"),
        *(b" HTTP/1.1\r\nHost: edge.test\r\n", b"0-1\r\nContent-Length: 5", b"?CMCD=1", b"GET "),
        *(b"\r\nCMCD-Request: bl=3", b"CMCD-Status: bs\r\n", b"\r\nCMCD-Object:\r\n\r\nGET / "),
    )
    match chance.randrange(8):
        case 0:
            return request[:at] + chance.choice(bits) + request[at:]
        case 1:
            return request[:start] + chance.choice(bits) + request[start:]
        case 2:
            return request[:at] + request[at + chance.randrange(1, 4) :]
        case 3:
            return request[:start] + request[chance.randrange(start, len(request) + 1) :]
        case 4:
            return request[:at] + request[chance.randrange(len(request)) :]
        case 5:
            return request + chance.choice(bits)
        case 6:
            return request + chance.choice((b"body", request[:at], request, b"\r\n" * 3))
        case _:
            return request[:at] + bytes([chance.randrange(256)]) + request[at + 1 :]


def cut(data: bytes, chance: random.Random) -> list[bytes]:
    """The same bytes in one packet, in two, or (short ones) each by itself."""
    if chance.random() < 0.8:
        return [data]
    if chance.random() < 0.05 and len(data) < 120:
        return [data[at : at + 1] for at in range(len(data))]
    at = chance.randrange(1, len(data))
    return [data[:at], data[at:]]


def records(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        record = json.loads(line)
        record["path"] = re.sub(r"[?&]CMCD=[^&]*\Z", "", record["path"])
        for name in ("request_id", "duration_ms", "bytes"):
            assert name in record
            del record[name]
        yield record


@pytest.mark.timeout(90 + ROUNDS // 10)
@pytest.mark.parametrize("seed", [1, 2])
async def test_no_generated_conversation_tells_the_lanes_apart(both: Both, seed: int) -> None:
    chance = random.Random(seed)
    base = generated(both, chance)
    for _ in range(ROUNDS // 2):
        if chance.random() < 0.6:
            base = generated(both, chance)
        roll = chance.random()
        if roll < 0.15:
            await both.say([base, base, attacked(base, chance)], last=True)
        elif roll < 0.3:
            await both.say(cut(base + generated(both, chance), chance))
        else:
            await both.say([base, *cut(base, chance)])
        if chance.random() < 0.1:
            both.tick(chance.choice((0.25, 0.5, 0.75, 1.0, 7.5)))
    lane = both.laned.worker.lane
    for each in (both.laned, both.plain):
        await each.connect()
        await eventually(partial(has_two_connections, each), "all others are gone")
        each.worker.accounts.absorb(each.worker.lane)
    assert lane._number > ROUNDS, "the conversation is one that the fast lane takes part in"
    assert both.plain.worker.lane._number == 0
    counters = [each.worker.accounts.counters for each in (both.laned, both.plain)]
    await eventually(lambda: same(counters), "the same was counted")


@pytest.mark.parametrize(
    ("lines", "later"),
    [
        ([], []),
        (["Range: bytes=1-2"], ["Range: bytes=3-9"]),
        (["User-Agent: one"], ["User-Agent: one"]),
        (["Cookie: cinedge_token=bad"], ["Cookie: cinedge_token=bad"]),
        (["Cookie: a=b; cinedge_token=bad"], ["Cookie: a=b; cinedge_token=bad"]),
    ],
)
async def test_what_was_seen_before_is_answered_as_before(
    both: Both, lines: list[str], later: list[str]
) -> None:
    for target in ("/film", "/small", "/film?x=1&CMCD=2", f"/~{both.good_token}/guarded/film"):
        for _ in range(3):
            await both.say([head(target, *lines), head(target, *later)])


async def test_only_a_real_cmcd_argument_is_taken_off(both: Both) -> None:
    for query in QUERIES:
        await both.say([head("/film" + query)] * 3)
        await both.say([head("/small" + query, "Range: bytes=1-2")] * 3)


async def test_every_cut_of_two_requests_gives_the_same_answers(both: Both) -> None:
    pair = head("/small", "Range: bytes=1-2") + head("/small", "Range: bytes=3-4")
    await both.say([head("/small", "Range: bytes=0-0")])
    for at in range(1, len(pair)):
        await both.say([pair[:at], pair[at:]])
    await both.say([pair[at : at + 1] for at in range(len(pair))])


async def test_a_head_as_long_as_one_read_leaves_nothing_in_the_socket(both: Both) -> None:
    filler = 4096 - len(head("/small", "X: ", "Range: bytes=1-2"))
    for lines in (["X: " + "x" * filler, "Range: bytes=1-2"], ["Range: bytes=0-" + "0" * 3990]):
        request = head("/small", *lines)
        await both.say([request] * 3)
        await both.say([request[:-1] + b"\n" + head("/film")] * 2)
    short = head("/small", "Range: bytes=1-2")
    for size in (4094, 4095, 4096, 4097):
        long = short.replace(b"1-2", b"0" * (size - len(short)) + b"1-2")
        await both.say([short, long + short, short])


ATTACKS = (
    b"1-2\r\nIf-None-Match: *",
    b"1-2\r\n\r\nGET /private HTTP/1.1\r\nHost: edge.test",
    b"1-2\r\nContent-Length: 10",
    *(b"1-2\r\nHost: two", b"1-2\r\nRange: bytes=1-2", b"1\r\n-2"),
    *(b"1-", b"-1", b"-", b"", b"1--2", b"1-2-3", b"1-2,4-5", b" 1-2", b"1-2 "),
    *(b"\xb2-\xb3", b"\xd9\xa1-\xd9\xa2", b"1_0-2_0"),
)
"""In place of a range's digits."""


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_is_smuggled_through_the_digits_of_a_range(both: Both, attack: bytes) -> None:
    usual = head("/small", "Range: bytes=3-4", "X: y")
    await both.say([usual, usual, usual.replace(b"3-4", attack)])
    await both.say([usual, usual, usual.replace(b"3-4", attack) + b"0123456789"], last=True)


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_is_smuggled_by_what_another_connection_has_shown(
    both: Both, attack: bytes
) -> None:
    usual = head("/small", "Range: bytes=3-4", "X: y")
    attacked = usual.replace(b"3-4", attack)
    await both.say([usual, usual], last=True)
    for first in (attacked, attacked + b"0123456789", usual[:-2] + attacked, usual[:-9]):
        await both.say([first], last=True)
        await both.say([first, usual, first], last=True)
    await both.say([usual + attacked], last=True)


async def test_first_requests_of_connections_are_answered_alike(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = both.laned.worker.lane
    # Once a second the lane's counts are taken over and begin anew, which may be between two looks.
    monkeypatch.setattr(both.laned.worker.accounts, "absorb", lambda lane: None)
    for lines in ([], ["Range: bytes=3-4"], ["User-Agent: a", "Range: bytes=3-"]):
        usual = head("/small", *lines)
        await both.say([usual])
        await both.say([usual, usual], last=True)
        for target in ("/small", "/film", "/private"):
            for side in (both.laned, both.plain):
                # The connection is accepted now, so its request and its end are two events.
                await side.barrier.ask("/sentinel")
            before = lane.wholes + lane.parts
            await both.say([head(target, *lines)], last=True)
            barrier = 1
            assert lane.wholes + lane.parts == before + barrier + (target != "/private")


async def test_overlapping_ends_of_a_remembered_block_match_nothing(both: Both) -> None:
    usual = head("/small", "Range: bytes=3-4")
    line, rest = usual.split(b" HTTP/1.1")
    before, after = rest.split(b"3-4")
    for tail in (before + after[2:], before[:-1] + after, after, before, b" " + after):
        await both.say([usual, usual, line + b" HTTP/1.1" + tail], last=True)
        await both.say([usual, usual, line + tail], last=True)
        await both.say([usual, usual, usual + tail], last=True)
        await both.say([usual, usual, usual[:-2] + tail], last=True)
    await both.say([usual, line, b"\0\0"], last=True)
    await both.say([usual, usual, line + b"\0"], last=True)


async def test_logs_of_both_lanes_say_the_same(both: Both) -> None:
    guarded = f"/~{both.good_token}/guarded/film"
    for target in ('/film?"x"\\', "/small", "/film?x=1&CMCD=2", guarded):
        # How much of cold content has come when the next request follows at once is chance.
        await both.say([head(target)])
        for lines in (["Range: bytes=00-7", 'User-Agent: "a"\\b'], ["User-Agent: ünï"], []):
            await both.say([head(target, *lines)] * 3)
            both.tick(1.0)
    logs: list[list[dict[str, Any]]] = []
    for each in (both.laned, both.plain):
        await eventually(partial(is_settled, each), "all is written down")
        each.worker.accounts.absorb(each.worker.lane)
        log = each.worker.accounts._log
        await log.flush()
        text = each.log.read_text()
        assert both.good_token not in text
        assert "[redacted]" in text
        logs.append(sorted(records(each.log), key=partial(json.dumps, sort_keys=True)))
    assert logs[0] == logs[1]
    assert any(record.get("session") == "s1" for record in logs[0])
