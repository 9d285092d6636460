"""The fast lane: when it must stop answering, what it counts, and how much it may remember."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from cdnkit.tokens import Claims, sign
from cdnkit.wire import MissClass
from config.pacing import Pacing
from config.token_keys import TokenKey
from config.topology import Route
from edge.connection import Connection
from tests.edge.conftest import BLOCK, Plan, eventually, says
from tests.edge.laned import FILM, KEPT, SMALL, Laned, all_of, laned, laned_on_films
from tests.helpers.raw_client import CutShortError, RawClient, head

pytestmark = pytest.mark.both_forms

OTHER = random.Random(22).randbytes(60 * BLOCK + 9)
SECRET = "k" * 40


@pytest.fixture
async def fast(plan: Plan) -> AsyncIterator[Laned]:
    plan.origin.scripts["/post"] = says("200 OK", b"thanks")
    async with laned_on_films(plan) as made:
        yield made


async def nothing(fast: Laned, path: str) -> None:
    """Nothing happens."""


async def purged(fast: Laned, path: str) -> None:
    fast.edge.worker.holdings.remove(fast.entry(path), MissClass.PURGED)


async def evicted(fast: Laned, path: str) -> None:
    holdings = fast.edge.worker.holdings
    entry = fast.entry(path)
    for block in range(entry.count):
        holdings.keeping.remove(entry, block)
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
    holdings.open_files.close_oldest(len(holdings.open_files))


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


async def test_no_connection_stays_corked(fast: Laned) -> None:
    await held_film(fast)
    client = await fast.edge.client()
    await fast.warm(client, "/film", f"Range: bytes=5-{3 * BLOCK}")
    slow, connection = await slow_answer(fast, f"Range: bytes=7-{50 * BLOCK}")
    assert connection.corked
    assert (await slow.answer()).body == FILM[7 : 50 * BLOCK + 1]
    await eventually(lambda: connection.owed is None, "it is settled")
    assert not any(each.corked for each in all_of(fast))


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


CMCD = (
    *("CMCD-Object: br=3200,d=4004,ot=v,tb=6000", 'CMCD-Request: bl={0}00,mtp=48100,nor="x-{0}"'),
    *('CMCD-Session: cid="c",sf=d,sid="6e2fb550-c457",st=v', "CMCD-Status: bs"),
)


def said_by_a_player(number: int) -> list[str]:
    """CMCD lines; the last comes now and then only."""
    return [line.format(number) for line in CMCD[: 4 if number % 3 else 3]]


async def test_a_player_that_sends_cmcd_fields_is_answered_by_the_lane(fast: Laned) -> None:
    client = await fast.edge.client()
    await fast.warm(client, "/film", *said_by_a_player(0), "Range: bytes=0-9")
    await fast.warm(client, "/small", *said_by_a_player(0))
    before = fast.answered
    for number in range(10):
        lines = said_by_a_player(number)
        lines.insert(number % len(lines), f"Range: bytes={number}-{number + 99}")
        assert (await client.ask("/film", *lines)).body == FILM[number : number + 100]
        assert (await client.ask("/small", *said_by_a_player(number))).body == SMALL
        assert (await client.ask("/small")).body == SMALL
    assert fast.answered == before + 30


@pytest.mark.parametrize("start", [0, 7, BLOCK - 1, 59 * BLOCK, 60 * BLOCK, len(FILM) - 1])
async def test_a_range_to_the_end_is_answered_by_the_lane(fast: Laned, start: int) -> None:
    client = await fast.edge.client()
    await held_film(fast)
    await fast.warm(client, "/film", "Range: bytes=1-2")
    before = fast.answered
    answer = await client.ask("/film", f"Range: bytes={start}-")
    assert answer.body == FILM[start:]
    assert answer.fields["content-range"] == f"bytes {start}-{len(FILM) - 1}/{len(FILM)}"
    assert fast.answered == before + 1
    await eventually(lambda: all(c.owed is None for c in all_of(fast)), "nothing is owed")
    assert (await fast.records())[-1]["range"] == f"bytes={start}-"


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


@pytest.mark.parametrize("lines", [(), ("Range: bytes=5-99",)])
async def test_the_first_request_of_a_connection_is_the_lanes_when_its_block_is_known(
    fast: Laned, lines: tuple[str, ...]
) -> None:
    content = await fast.warm(await fast.edge.client(), "/small", "User-Agent: one", *lines)
    for agent, is_known in (("one", True), ("two", False), ("two", True)):
        before = fast.answered
        answer = await (await fast.edge.client()).ask("/small", f"User-Agent: {agent}", *lines)
        assert answer.body == content
        assert fast.answered == before + is_known
        logged = (await fast.records())[-1]
        assert logged["request_id"] == answer.fields["x-request-id"]
        assert (logged["user_agent"], logged["client"]) == (agent, "127.0.0.1")


async def test_requests_that_decide_something_are_no_first_requests_of_the_lane(
    fast: Laned,
) -> None:
    await fast.warm(await fast.edge.client(), "/small")
    for lines in (("If-None-Match: *",), ("Cookie: cinedge_token=x",), ("Connection: close",)):
        for _ in range(2):
            before = fast.answered
            await (await fast.edge.client()).ask("/small", *lines)
            assert fast.answered == before


@pytest.mark.parametrize("what", ["pacing", "tokens"])
async def test_where_connections_have_a_pace_each_takes_the_full_path_first(
    plan: Plan, what: str
) -> None:
    pacing = Pacing(bitrate_bytes_per_second=10**9, burst_bytes=0, burst_seconds=0)
    paced = replace(
        plan,
        routes=(
            Route(
                prefix="/",
                upstream=(plan.origin.url,),
                pacing=pacing if what == "pacing" else None,
            ),
        ),
        token_keys=(TokenKey("k1", SECRET),) if what == "tokens" else (),
    )
    async with laned_on_films(paced) as fast:
        await fast.warm(await fast.edge.client(), "/small")
        before = fast.answered
        client = await fast.edge.client()
        assert (await client.ask("/small")).body == SMALL
        assert fast.answered == before
        assert (await client.ask("/small")).body == SMALL
        assert fast.answered == before + 1
