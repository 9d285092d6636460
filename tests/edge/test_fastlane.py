"""The fast lane: when it must stop answering, what it counts, and how much it may remember."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from cdnkit.tokens import Claims, sign
from cdnkit.wire import MissClass
from config.topology import Route, TokenKey
from edge.app import worker
from edge.connection import Connection
from edge.entry import Entry
from edge.fastlane import CONTENTS_BYTES_MAX, COPIED_BYTES_MAX, FastLane
from edge.http1.request import parse_request
from tests.edge.conftest import BLOCK, Edge, Plan, eventually, says
from tests.helpers.clock import FakeClock
from tests.helpers.raw_client import CutShortError, RawClient, head

FILM = random.Random(21).randbytes(60 * BLOCK + 9)
OTHER = random.Random(22).randbytes(60 * BLOCK + 9)
SMALL = b"small" * 100
SECRET = "k" * 40
KEPT = ("Cache-Control: max-age=100",)


@dataclass(slots=True)
class Laned:
    """An edge whose clock stands still, and its log."""

    edge: Edge
    clock: FakeClock
    log: Path

    @property
    def lane(self) -> FastLane:
        """The lane itself."""
        return self.edge.worker.lane

    @property
    def answered(self) -> int:
        """Answers that the lane gave (it numbers them)."""
        return self.lane._number

    def entry(self, path: str = "/film") -> Entry:
        """The entry of a path."""
        return self.edge.worker.holdings.entries[path.encode()]

    def pass_seconds(self, seconds: float) -> None:
        """Move the wall clock on."""
        self.clock.advance(seconds)
        self.edge.worker.server.tick(self.edge.worker.server.now)

    def all_is_held(self) -> bool:
        """Whether no block is on its way."""
        return not any(entry.growing for entry in self.edge.worker.holdings.entries.values())

    async def warm(self, client: RawClient, target: str, *lines: str) -> bytes:
        """Ask until the lane answers."""
        for _ in range(6):
            before = self.answered
            answer = await client.ask(target, *lines)
            if self.answered > before:
                return answer.body
            await eventually(self.all_is_held, "all is held")
        raise AssertionError("the lane never answers")

    async def records(self) -> list[dict[str, Any]]:
        """The log of everything up to now."""
        accounts = self.edge.worker.accounts
        accounts.absorb(self.lane)
        await accounts._log.flush()
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.asynccontextmanager
async def laned(plan: Plan, **more: Any) -> AsyncIterator[Laned]:
    clock = FakeClock(float(int(time.time())) + 0.25)
    plan.cache.mkdir(exist_ok=True)
    log = plan.cache / "access.log"
    plan = plan.but(access_log=str(log))
    async with worker(plan.node(), plan.topology(), now=clock, **more) as running:
        edge = Edge(running, plan.origin)
        try:
            yield Laned(edge, clock, log)
        finally:
            for client in edge.clients:
                client.close()


@pytest.fixture
async def fast(plan: Plan) -> AsyncIterator[Laned]:
    plan.origin.put("/film", FILM, lines=KEPT)
    plan.origin.put("/small", SMALL, lines=KEPT)
    plan.origin.scripts["/post"] = says("200 OK", b"thanks")
    async with laned(plan) as made:
        yield made


async def nothing(fast: Laned, path: str) -> None:
    """Nothing happens."""


async def purged(fast: Laned, path: str) -> None:
    fast.edge.worker.holdings.remove(fast.entry(path), MissClass.PURGED)


async def evicted(fast: Laned, path: str) -> None:
    holdings = fast.edge.worker.holdings
    entry = fast.entry(path)
    for block in range(entry.count):
        holdings._indexes[entry.disk].remove((entry.store_id, block))
        holdings._evict(entry, block)


async def distrusted(fast: Laned, path: str) -> None:
    fast.edge.worker.holdings.distrust()


async def expired(fast: Laned, path: str) -> None:
    fast.pass_seconds(100)


async def replaced_by_post(fast: Laned, path: str) -> None:
    fast.edge.origin.scripts[path] = says("204 No Content", b"")
    client = await fast.edge.client()
    await client.ask(path, "Content-Length: 0", method="POST")
    del fast.edge.origin.scripts[path]


async def descriptors_ran_out(fast: Laned, path: str) -> None:
    holdings = fast.edge.worker.holdings
    holdings._close_oldest(len(holdings._open))


@pytest.mark.parametrize("path", ["/film", "/small"])
@pytest.mark.parametrize("lines", [(), ("Range: bytes=5-99",)])
@pytest.mark.parametrize(
    "event",
    [purged, evicted, distrusted, expired, replaced_by_post, descriptors_ran_out, nothing],
)
async def test_the_lane_steps_back_when_anything_its_answer_hangs_on_changes(
    fast: Laned, event: Callable[[Laned, str], Any], path: str, lines: tuple[str, ...]
) -> None:
    client = await fast.edge.client()
    old = await fast.warm(client, path, *lines)
    before = fast.answered
    if event not in (descriptors_ran_out, evicted, nothing):
        fast.edge.origin.put(path, (OTHER if path == "/film" else SMALL[::-1]), lines=KEPT)
    await event(fast, path)
    answer = await client.ask(path, *lines)
    if event is nothing:
        assert fast.answered == before + 1
        return
    assert fast.answered == before
    assert (answer.body == old) is (event in (descriptors_ran_out, evicted))
    assert await fast.warm(client, path, *lines) == answer.body


async def test_content_is_the_lanes_until_the_moment_it_expires(fast: Laned) -> None:
    client = await fast.edge.client()
    await fast.warm(client, "/small")
    left = fast.entry("/small").head.freshness.fresh_until - fast.clock.now
    before = fast.answered
    fast.pass_seconds(left - 0.001)
    assert "; hit; ttl=0" in (await client.ask("/small")).fields["cache-status"]
    assert fast.answered == before + 1
    fast.pass_seconds(0.001)
    assert "fwd=stale" in (await client.ask("/small")).fields["cache-status"]
    assert fast.answered == before + 1


async def test_age_and_ttl_move_with_the_clock(fast: Laned) -> None:
    client = await fast.edge.client()
    await fast.warm(client, "/small")
    born_at = fast.entry("/small").head.freshness.born_at
    fast.pass_seconds(0.5)
    for _ in range(20):
        answer = await client.ask("/small")
        assert answer.fields["age"] == str(int(fast.clock.now - born_at))
        ttl = int(born_at + 100 - fast.clock.now)
        assert answer.fields["cache-status"] == f"edge-1; hit; ttl={ttl}"
        fast.pass_seconds(0.25)
    assert fast.answered >= 20


async def test_a_renewed_entry_has_its_new_head_at_once(fast: Laned) -> None:
    client = await fast.edge.client()
    body = await fast.warm(client, "/small")
    fast.edge.origin.things["/small"].lines = (*KEPT, "X-New: yes")
    fast.edge.worker.holdings.distrust()
    assert (await client.ask("/small")).fields["x-new"] == "yes"
    for _ in range(2):
        before = fast.answered
        answer = await client.ask("/small")
        assert (answer.fields["x-new"], answer.body) == ("yes", body)
    assert fast.answered == before + 1


async def test_a_token_is_the_lanes_until_the_moment_it_expires(plan: Plan) -> None:
    plan.origin.put("/small", SMALL)
    plan = replace(
        plan,
        routes=(Route(prefix="/", upstream=(plan.origin.url,), token=True),),
        token_keys=(TokenKey("k1", SECRET),),
    )
    async with laned(plan) as fast:
        client = await fast.edge.client()
        claims = Claims("k1", "/", int(fast.clock.now) + 10, session="s9")
        target = f"/~{sign(claims, {'k1': SECRET.encode()})}/small"
        await fast.warm(client, target)
        before = fast.answered
        fast.pass_seconds(claims.expires_at - fast.clock.now - 0.25)
        assert (await client.ask(target)).status == 200
        assert fast.answered == before + 1
        fast.pass_seconds(0.25)
        assert (await client.ask(target)).status == 403
        assert fast.answered == before + 1
        lines = await fast.records()
        assert [line["session"] for line in lines if line["status"] == 200] == ["s9"] * (
            len(lines) - 1
        )


async def slow_answer(fast: Laned, *lines: str) -> tuple[RawClient, Connection]:
    """A lane answer that the socket did not take at once."""
    client = await fast.edge.client(4096)
    await fast.warm(client, "/film", "Range: bytes=0-9")
    if not lines:
        await client.ask("/film", "Range: bytes=0-9")
        # A plain block has to be remembered too: content of no bytes teaches without much reading.
        await fast.warm(client, "/small")
    number = fast.answered
    connection = next(
        each
        for each in fast.edge.worker.server.connections.values()
        if each.sock.getpeername() == client.sock.getsockname()
    )
    await client.send(head("/film", *lines))
    await eventually(lambda: fast.answered == number + 1, "the lane answers")
    assert connection.owed is not None
    return client, connection


async def held_film(fast: Laned) -> None:
    client = await fast.edge.client()
    await fast.warm(client, "/film")


@pytest.mark.parametrize(
    ("lines", "start", "stop"),
    [
        ((), 0, len(FILM)),
        ((f"Range: bytes=7-{50 * BLOCK}",), 7, 50 * BLOCK + 1),
    ],
)
async def test_eviction_and_replacement_change_no_answer_in_flight(
    fast: Laned, lines: tuple[str, ...], start: int, stop: int
) -> None:
    await held_film(fast)
    slow = [await slow_answer(fast, *lines) for _ in range(3)]
    await evicted(fast, "/film")
    fast.edge.origin.put("/film", OTHER, lines=KEPT)
    if b"/film" in fast.edge.worker.holdings.entries:
        await purged(fast, "/film")
    fresh = await fast.edge.client()
    assert (await fresh.ask("/film")).body == OTHER
    for client, connection in slow:
        assert (await client.answer()).body == FILM[start:stop]
        await eventually(lambda c=connection: c.owed is None, "it is settled")  # type: ignore[misc]


async def test_blocks_evicted_at_full_speed_never_change_bytes(fast: Laned) -> None:
    versions = {number: random.Random(number).randbytes(4 * BLOCK) for number in range(8)}
    clients = [await fast.edge.client(4096 if n % 2 else 0) for n in range(6)]
    chance = random.Random(5)
    current = 0

    async def read(client: RawClient) -> None:
        for _ in range(60):
            start = chance.randrange(3 * BLOCK)
            stop = start + chance.randrange(1, BLOCK)
            try:
                answer = await client.ask("/busy", f"Range: bytes={start}-{stop - 1}")
            except (CutShortError, ConnectionError):
                # What was replaced while it was being fetched cannot be had any more.
                client = await fast.edge.client()
                continue
            number = int(answer.fields["x-version"])
            assert answer.body == versions[number][start:stop]

    async def churn() -> None:
        nonlocal current
        while not reading.done():
            holdings = fast.edge.worker.holdings
            entry = holdings.entries.get(b"/busy")
            if entry is not None and chance.random() < 0.05:
                if chance.random() < 0.3:
                    current = (current + 1) % 8
                    place(current)
                    holdings.remove(entry, MissClass.PURGED)
                else:
                    await evicted(fast, "/busy")
            await asyncio.sleep(0)

    def place(number: int) -> None:
        lines = (*KEPT, f"X-Version: {number}")
        fast.edge.origin.put("/busy", versions[number], lines=lines)

    place(0)
    reading = asyncio.gather(*(read(client) for client in clients))
    await asyncio.gather(reading, churn())
    assert fast.answered > 20


async def test_every_lane_answer_is_logged_once_with_the_bytes_it_took(fast: Laned) -> None:
    await held_film(fast)
    client, slow_connection = await slow_answer(fast)
    broken, broken_connection = await slow_answer(fast, f"Range: bytes=3-{59 * BLOCK}")
    quick = await fast.edge.client()
    before = len(await fast.records())
    sent_before = dict(fast.edge.worker.accounts.counters.sent_bytes)
    sizes: dict[str, int] = {}
    await fast.warm(quick, "/small")
    for lines in ((), ("Range: bytes=5-6",), ("Range: bytes=0-70000",)):
        for target in ("/small", "/small?CMCD=x"):
            answer = await quick.ask(target, *lines)
            sizes[answer.fields["x-request-id"]] = answer.size_bytes
    answer = await client.answer()
    sizes[answer.fields["x-request-id"]] = answer.size_bytes
    broken.reset()
    await eventually(lambda: broken_connection.owed is None, "the broken answer is settled")
    await eventually(lambda: slow_connection.owed is None, "the slow answer is settled")
    await eventually(lambda: all(c.exchange is None for c in all_of(fast)), "nothing is going on")
    records = (await fast.records())[before:]
    by_id = {record["request_id"]: record for record in records}
    assert len(by_id) == len(records)
    assert {number: by_id[number]["bytes"] for number in sizes} == sizes
    (cut,) = [record for record in records if record.get("complete") is False]
    assert 0 < cut["bytes"] < 59 * BLOCK
    assert cut["range"] == f"bytes=3-{59 * BLOCK}"
    counters = fast.edge.worker.accounts.counters
    assert counters.cut_short == 1
    sent = sum(counters.sent_bytes.values()) - sum(sent_before.values())
    assert sent == sum(record["bytes"] for record in records)


def all_of(fast: Laned) -> list[Connection]:
    return list(fast.edge.worker.server.connections.values())


async def test_a_block_file_cut_short_never_ends_an_answer_cleanly(fast: Laned) -> None:
    await held_film(fast)
    for lines in (f"Range: bytes=5-{3 * BLOCK}", "Range: bytes=5-99"):
        client = await fast.edge.client()
        await fast.warm(client, "/film", "Range: bytes=1000-1001")
        file = fast.entry().files[0]
        assert file is not None
        before = fast.answered
        os.truncate(f"/proc/self/fd/{file.fd}", 0)
        await client.send(head("/film", lines))
        with pytest.raises(CutShortError):
            await client.answer()
        assert fast.answered == before + 1
        await purged(fast, "/film")
        await held_film(fast)
    accounts = fast.edge.worker.accounts
    accounts.absorb(fast.lane)
    assert accounts.counters.cut_short == 2
    records = await fast.records()
    assert len([record for record in records if record.get("complete") is False]) == 2


async def test_a_stalled_lane_answer_has_the_limit_of_a_stalled_answer(plan: Plan) -> None:
    plan.origin.put("/film", FILM, lines=KEPT)
    plan.origin.put("/small", SMALL, lines=KEPT)
    plan = plan.but(idle_timeout_seconds=300.0, write_timeout_seconds=20.0)
    async with laned(plan) as fast:
        await held_film(fast)
        _, connection = await slow_answer(fast)
        server = fast.edge.worker.server
        assert connection.deadline <= server.now + 21
        server.tick(server.now + 22)
        assert connection.fd < 0
        assert connection.owed is None


@pytest.mark.parametrize("block_bytes", [BLOCK, 128 * BLOCK])
async def test_draining_lets_a_lane_answer_end(plan: Plan, block_bytes: int) -> None:
    plan.origin.put("/film", FILM, lines=KEPT)
    plan.origin.put("/small", SMALL, lines=KEPT)
    async with laned(plan.but(block_bytes=block_bytes)) as fast:
        await held_film(fast)
        slow = [
            await slow_answer(fast),
            await slow_answer(fast, f"Range: bytes=1-{BLOCK * 60 - 9}"),
        ]
        reading = asyncio.gather(*(client.answer() for client, _ in slow))
        fast.edge.clients.clear()
    assert [answer.body for answer in await reading] == [FILM, FILM[1 : BLOCK * 60 - 8]]
    for client, _ in slow:
        client.close()


async def test_targets_are_forgotten_in_turn_and_leave_nothing_with_their_entries(
    plan: Plan,
) -> None:
    for number in range(6):
        plan.origin.put(f"/{number}", SMALL, lines=KEPT)
    async with laned(plan, lane_targets_max=3) as fast:
        client = await fast.edge.client()
        for number in range(6):
            await fast.warm(client, f"/{number}")
        lane = fast.lane
        assert list(lane._hot) == [b"GET /3", b"GET /4", b"GET /5"]
        assert lane._contents_bytes == 3 * len(SMALL)
        assert [len(fast.entry(f"/{n}").hots) for n in range(6)] == [0, 0, 0, 1, 1, 1]
        entry = fast.entry("/5")
        for number in range(1000):
            lane.teach(b"/~T%d/5" % number, entry, fast.clock.now + 9, "")
        assert len(entry.hots) == len(lane._hot) == 3
        before = fast.answered
        assert (await client.ask("/5")).body == SMALL
        assert fast.answered == before


async def test_contents_in_memory_stay_within_their_bound(fast: Laned) -> None:
    content = b"x" * COPIED_BYTES_MAX
    fast.edge.origin.put("/eight", content, lines=KEPT)
    client = await fast.edge.client()
    await fast.warm(client, "/eight")
    entry = fast.entry("/eight")
    count = CONTENTS_BYTES_MAX // COPIED_BYTES_MAX + 50
    for number in range(count):
        fast.lane.teach(b"/~%d/eight" % number, entry, fast.clock.now + 9, "")
    assert CONTENTS_BYTES_MAX - COPIED_BYTES_MAX <= fast.lane._contents_bytes <= CONTENTS_BYTES_MAX
    assert len({id(hot.content) for hot in entry.hots}) == 2
    before = fast.answered
    assert (await client.ask(f"/~{count - 1}/eight")).body == content
    assert fast.answered == before + 1


async def test_remembered_blocks_are_shared_and_bounded(fast: Laned) -> None:
    client = await fast.edge.client()
    await fast.warm(client, "/small")
    lane, (connection,) = fast.lane, all_of(fast)
    for number in range(5000):
        block = head("/small", f"X-N: {number}")[:-4]
        lane.remember(connection, block, parse_request(block))
    assert len(lane._blocks) <= 4096
    other = cast(Any, Connection(fast.edge.worker.server, client.sock, -1, "127.0.0.1"))
    lane.remember(other, block, parse_request(block))
    assert other.plain is connection.plain
    huge = head("/small", "X: " + "x" * 9000)[:-4]
    lane.remember(connection, huge, parse_request(huge))
    assert connection.plain is other.plain
    assert await fast.warm(client, "/small", "X-N: 4999") == SMALL


async def test_blocks_of_two_players_are_not_mixed_up_in_the_log(fast: Laned) -> None:
    client = await fast.edge.client()
    for agent in ("one", "two", "one"):
        await fast.warm(client, "/small", f"User-Agent: {agent}")
        await fast.warm(client, "/small", f"User-Agent: {agent}", "Range: bytes=1-2")
    asked: dict[str, str] = {}
    for agent, lines in (("one", ()), ("two", ("Range: bytes=1-2",)), ("one", ()), ("one", ())):
        answer = await client.ask("/small", f"User-Agent: {agent}", *lines)
        asked[answer.fields["x-request-id"]] = agent
    records = {record["request_id"]: record["user_agent"] for record in await fast.records()}
    assert {number: records[number] for number in asked} == asked
