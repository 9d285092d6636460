"""Content is here before viewers ask: fetched once, paced, told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from cdnkit.wire import ReceiptState
from config.topology import Address, OriginNode, Route
from edge.warming import Wanted, Warm, Warming, parse_warm
from tests.edge.conftest import BLOCK, Edge, Origin, Plan, eventually, says
from tests.edge.test_feed import CONTENT, FILM, KEY, PATH, Journal

LONG = random.Random(4).randbytes(9 * BLOCK + 5)
Told = list[tuple[ReceiptState, Mapping[str, Any]]]


@pytest.fixture
def journal(origin: Origin) -> Journal:
    """The origin keeps a journal."""
    return Journal(origin)


async def warmed(edge: Edge, *wanted: Wanted, rate: int = 0, until: float | None = None) -> Told:
    told: Told = []
    made = edge.worker
    warming = Warming(made.holdings, made.fetcher, made.fills)
    order = Warm(wanted, rate, 2, until_at=until)
    await warming.warm(order, lambda state, said: told.append((state, said)), 0.0)
    return told


async def test_what_is_wanted_is_held_and_asked_for_once(edge: Edge) -> None:
    edge.origin.put("/long", LONG)
    edge.origin.put("/small", b"small")
    for _ in range(2):
        told = await warmed(edge, Wanted(b"/long", 5 * BLOCK), Wanted(b"/small", None))
        state, said = told[-1]
        assert (state, said["objects_done"]) == (ReceiptState.DONE, 2)
        assert said["bytes"] == 5 * BLOCK + 5
    entry = edge.worker.holdings.entries[b"/long"]
    assert all(entry.present[:5])
    assert not entry.readers
    client = await edge.client()
    answer = await client.ask("/long", f"Range: bytes=0-{5 * BLOCK - 1}")
    assert answer.body == LONG[: 5 * BLOCK]
    assert "; hit" in answer.fields["cache-status"]
    assert edge.origin.targets().count("GET /small") == 1


async def test_a_rate_is_kept(edge: Edge) -> None:
    edge.origin.put("/long", LONG)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await warmed(edge, Wanted(b"/long", None), rate=2 * len(LONG))
    assert loop.time() - began >= 0.45


async def test_what_is_held_is_passed_over_without_waiting(edge: Edge) -> None:
    edge.origin.put("/long", LONG)
    await warmed(edge, Wanted(b"/long", None))
    # At this rate it would take an hour.
    async with asyncio.timeout(60):
        told = await warmed(edge, Wanted(b"/long", None), rate=len(LONG) // 3600)
    assert told[-1][0] is ReceiptState.DONE


async def test_what_has_not_come_when_the_hours_end_is_told(edge: Edge) -> None:
    edge.origin.put("/long", LONG)
    edge.origin.put("/small", b"small")
    wanted = Wanted(b"/small", None), Wanted(b"/long", None)
    # A block in 200 s; the hours end after the first.
    told = await warmed(edge, *wanted, rate=BLOCK // 200, until=0.5)
    state, said = told[-1]
    assert (state, said["reason"]) == (ReceiptState.FAILED, "its hours are over")
    assert said["failed"] == said["objects"] - said["objects_done"] > 0
    entry = edge.worker.holdings.entries.get(b"/long")
    assert entry is None or not (all(entry.present) or entry.readers)


async def test_nothing_is_fetched_before_its_hours(edge: Edge) -> None:
    edge.origin.put("/small", b"small")
    told: Told = []
    made = edge.worker
    warming = Warming(made.holdings, made.fetcher, made.fills)
    order = Warm((Wanted(b"/small", None),), 0, 1, from_at=1e9, until_at=1e9 + 100)
    task = asyncio.ensure_future(
        warming.warm(order, lambda state, said: told.append((state, said)), 1e9 - 1e6)
    )
    await eventually(lambda: bool(told), "it is waiting")
    assert told == [(ReceiptState.WORKING, {"objects": 1, "objects_done": 0, "bytes": 0})]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert edge.origin.targets() == []
    told.clear()
    late = 1e9 + 200
    await warming.warm(order, lambda state, said: told.append((state, said)), late)
    assert [state for state, _ in told] == [ReceiptState.FAILED]
    assert edge.origin.targets() == []
    await warming.warm(order, lambda state, said: told.append((state, said)), 1e9 + 1)
    assert ReceiptState.DONE in [state for state, _ in told]


async def test_what_cannot_be_kept_or_fetched_is_told(edge: Edge) -> None:
    edge.origin.put("/small", b"small")
    edge.origin.scripts["/private"] = says("200 OK", b"x", "Cache-Control: no-store")
    told = await warmed(edge, Wanted(b"/none", None), Wanted(b"/private", None))
    told += await warmed(edge, Wanted(b"/small", None), Wanted(b"/private", None))
    assert [state for state, _ in told if state is not ReceiptState.WORKING] == [
        ReceiptState.FAILED
    ] * 2
    assert (told[-1][1]["objects_done"], told[-1][1]["failed"]) == (1, 1)


async def test_an_order_of_the_journal_is_done_and_told(plan: Plan, journal: Journal) -> None:
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=plan.origin.url),)
    plan.routes = (Route("/"),)
    plan.origin.put(CONTENT, FILM)
    async with plan.start() as edge:
        detail = {
            "order": "x",
            "objects": [{"key": KEY, "stop_bytes": None}],
            "bytes_per_second": 0,
            "concurrency": 1,
            "edges": ["edge-1"],
        }
        journal.add({"kind": "warm", "detail": detail})
        await eventually(
            lambda: any(said["state"] == "done" for said in journal.said), "it is done"
        )
        assert journal.said[-1]["progress"]["bytes"] == len(FILM)
        assert "; hit" in (await (await edge.client()).ask(PATH)).fields["cache-status"]


def test_hours_are_those_of_the_order_or_all() -> None:
    detail = {"objects": [], "bytes_per_second": 1, "concurrency": 1}
    plain = parse_warm(detail, lambda name: [])
    assert (plain.from_at, plain.until_at, plain.left_seconds(5.0)) == (0.0, None, None)
    timed = parse_warm({**detail, "from_at": 10, "until_at": 30.0}, lambda name: [])
    assert [timed.left_seconds(now) for now in (5.0, 20.0, 40.0)] == [20.0, 10.0, -10.0]


@pytest.mark.parametrize("detail", [{}, {"objects": [1], "bytes_per_second": 0, "concurrency": 1}])
def test_what_is_no_warm_is_refused(detail: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse_warm(detail, lambda name: [name.encode()])
