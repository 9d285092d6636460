"""What an edge records: a share of all requests, whatever path would answer them."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import httpx
import pytest

from config.topology import Address
from config.tracing import Tracing
from edge.connection import Connection
from edge.fastlane import FastLane
from edge.tracing import LaneSample, open_traces
from tests.edge.conftest import BLOCK, Edge, Plan, eventually
from tests.helpers.collector import Collector, Told
from tests.helpers.film_origin import FilmOrigin
from tests.helpers.raw_client import head

pytestmark = pytest.mark.both_forms

FILM = random.Random(48).randbytes(2 * BLOCK + 3)
TRACE, PLAYER = "c" * 32, "d" * 16
PARENT = f"traceparent: 00-{TRACE}-{PLAYER}-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


@pytest.fixture
async def recording(plan: Plan, collector: Collector) -> AsyncIterator[Edge]:
    """An edge that records everything."""
    plan.origin.put("/a", FILM)
    plan.tracing = Tracing(collector.url, 1.0, ())
    async with plan.start() as edge:
        yield edge


def requests(collector: Collector) -> list[Told]:
    return [span for span in collector.spans if "cinedge.request_id" in span.facts]


def answered_by_lane(edge: Edge) -> int:
    return edge.worker.lane._number


async def test_an_edge_that_records_nothing_has_the_lane_as_it_was(plan: Plan) -> None:
    async with plan.start() as edge:
        assert edge.worker.lane.stand_in is None


async def test_hits_of_the_lane_are_recorded_and_answered_in_the_same_bytes(
    recording: Edge, plan: Plan, collector: Collector
) -> None:
    client = await recording.client()
    answers = [await client.ask("/a") for _ in range(4)]
    assert [answer.body for answer in answers] == [FILM] * 4
    assert answered_by_lane(recording) == 0
    await eventually(lambda: len(requests(collector)) == 4, "all are recorded")
    told = requests(collector)
    assert [span.facts["cinedge.outcome"] for span in told] == ["miss", "hit", "hit", "hit"]
    assert [span.facts["cinedge.sent_bytes"] for span in told] == [
        answer.size_bytes for answer in answers
    ]
    assert len({span.trace for span in told}) == 4
    first = [span for span in collector.spans if span.trace == told[0].trace]
    assert {span.name for span in first} == {"edge GET", "look up", "ask", "fill"}


async def test_upstreams_hear_of_our_spans_and_never_of_a_viewers(
    recording: Edge, collector: Collector
) -> None:
    client = await recording.client()
    await client.ask("/a", PARENT, "tracestate: viewer=1")
    (asked,) = recording.origin.asked
    assert TRACE not in asked.fields["traceparent"]
    assert "tracestate" not in asked.fields
    await eventually(lambda: bool(requests(collector)), "it is recorded")
    (ask,) = (span for span in collector.spans if span.name == "ask")
    assert asked.fields["traceparent"] == f"00-{ask.trace}-{ask.span}-01"


async def test_a_viewer_who_is_believed_is_recorded_whatever_the_ratio(
    plan: Plan, collector: Collector
) -> None:
    plan.origin.put("/a", FILM)
    plan.tracing = Tracing(collector.url, 0.0, ("127.0.0.0/8",))
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask("/a")
        await eventually(lambda: edge.worker.holdings.held_blocks == 3, "all is held")
        for _ in range(3):
            await client.ask("/a")
        assert answered_by_lane(edge) > 0
        await client.ask("/a", PARENT, "tracestate: viewer=1")
        await eventually(lambda: len(requests(collector)) == 1, "it is recorded")
        (span,) = requests(collector)
        assert (span.trace, span.parent, span.state) == (TRACE, PLAYER, "viewer=1")
        await client.ask("/b", PARENT, "tracestate: viewer=1")
        asked = edge.origin.asked[-1]
        assert asked.fields["traceparent"].startswith(f"00-{TRACE}-")
        assert asked.fields["tracestate"] == "viewer=1"


async def test_without_traces_a_viewers_word_goes_by_as_it_did(plan: Plan) -> None:
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask("/p", PARENT, method="DELETE")
        assert edge.origin.asked[-1].fields["traceparent"] == PARENT.split(" ")[1]


async def test_health_is_not_recorded(recording: Edge, collector: Collector) -> None:
    client = await recording.client()
    await client.ask("/readyz")
    await client.ask("*", method="OPTIONS")
    await client.ask("/a")
    await eventually(lambda: bool(requests(collector)), "the film is recorded")
    assert [span.facts["url.path"] for span in requests(collector)] == ["/a"]


async def test_a_dead_collector_costs_spans_alone(plan: Plan) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        plan.tracing = Tracing(f"http://127.0.0.1:{free.getsockname()[1]}/v1/traces", 1.0, ())
        plan.origin.put("/a", FILM)
        async with plan.start() as edge:
            client = await edge.client()
            for _ in range(50):
                assert (await client.ask("/a")).body == FILM


class Lane:
    """A lane that answers everything but what is marked."""

    def __init__(self) -> None:
        self.answered = 0

    def answer(self, connection: Connection, data: bytes) -> bool:
        if data == b"not mine":
            return False
        self.answered += 1
        return True


class Viewer:
    """A connection as far as the sample looks at it."""

    neighbour = False
    inner = False


def viewer() -> Connection:
    return cast(Connection, Viewer())


def sample_of(lane: Lane, ratio: float) -> LaneSample:
    return LaneSample(cast(FastLane, lane), ratio, random.Random(7).random)


def test_a_share_of_what_the_lane_would_answer_is_taken_from_it() -> None:
    lane = Lane()
    sample = sample_of(lane, 0.02)
    connection = viewer()
    taken = sum(not sample.answer(connection, b"") for _ in range(50_000))
    assert 850 < taken < 1150
    assert lane.answered == 50_000 - taken


@pytest.mark.parametrize("whose", ["neighbour", "inner"])
def test_questions_of_our_own_use_up_no_draw(whose: str) -> None:
    lane: Any = Lane()
    sample = sample_of(lane, 1.0)
    asking, mine = viewer(), viewer()
    setattr(asking, whose, True)
    for _ in range(5):
        assert not sample.answer(asking, b"not mine")
    assert not sample.takes(asking)
    assert not sample.answer(mine, b"")
    assert sample.takes(mine)


def test_what_is_due_is_told_once() -> None:
    sample = sample_of(Lane(), 1.0)
    mine, other = viewer(), viewer()
    assert not sample.answer(mine, b"")
    assert not sample.takes(other)
    assert sample.takes(mine)
    assert not sample.takes(mine)


def test_who_was_due_and_asked_for_nothing_keeps_nobody_else_out() -> None:
    sample = sample_of(Lane(), 1.0)
    connections = [viewer() for _ in range(1000)]
    for connection in connections:
        assert not sample.answer(connection, b"")
    assert not sample.takes(connections[0])
    assert sample.takes(connections[-1])
    assert len(sample._due) < 300


def test_what_the_lane_leaves_to_the_full_path_is_drawn_there() -> None:
    lane: Any = Lane()
    sample = sample_of(lane, 0.001)
    connection = viewer()
    for _ in range(5000):
        assert not sample.answer(connection, b"not mine")
    assert not sample.takes(connection)


async def test_players_that_tell_something_are_drawn_as_often_as_others(
    plan: Plan, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LaneSample, "_gap", lambda _: 4)
    plan.origin.put("/a", FILM)
    plan.tracing = Tracing(collector.url, 0.25, ())
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask("/a")
        await eventually(lambda: edge.worker.holdings.held_blocks == 3, "all is held")
        for _ in range(8):
            await client.ask("/a", "CMCD-Status: bs")
        before = answered_by_lane(edge)
        for number in range(40):
            await client.ask("/a", f"CMCD-Request: bl={number}00")
        assert answered_by_lane(edge) == before + 30


async def test_a_trace_has_the_work_of_its_own_request_and_of_no_other(
    plan: Plan, collector: Collector
) -> None:
    late = FilmOrigin(5000, BLOCK, holds={100: asyncio.Event()})
    plan.origin.scripts["/a"] = late.serve
    plan.origin.put("/b", b"short")
    plan.tracing = Tracing(collector.url, 0.0, ("127.0.0.0/8",))
    async with plan.start() as edge:
        client = await edge.client()
        await client.send(head("/a", PARENT) + head("/b"))
        await eventually(lambda: len(edge.origin.asked) == 1, "the first is asked for")
        # What comes for the first begins what stands behind it in line.
        late.holds[100].set()
        assert len((await client.answer()).body) == 5000
        assert (await client.answer()).body == b"short"
        await eventually(lambda: bool(requests(collector)), "the first is recorded")
        asked = {each.target: each.fields.get("traceparent", "") for each in edge.origin.asked}
        assert TRACE in asked["/a"]
        assert asked["/b"] == ""
    assert [span.facts["url.path"] for span in requests(collector)] == ["/a"]
    assert {span.trace for span in collector.spans} == {TRACE}
    assert [span.name for span in collector.spans].count("look up") == 1


async def test_fills_that_begin_while_an_answer_is_under_way_are_its_own(
    plan: Plan, collector: Collector
) -> None:
    long = random.Random(49).randbytes(6 * BLOCK + 3)
    plan.origin.put("/a", long)
    plan.tracing = Tracing(collector.url, 0.0, ("127.0.0.0/8",))
    async with plan.but(read_ahead_blocks=1).start() as edge:
        client = await edge.client()
        # What is held in the middle parts the rest in two.
        await client.ask("/a", f"Range: bytes={3 * BLOCK}-{4 * BLOCK - 1}")
        await eventually(lambda: edge.worker.holdings.held_blocks >= 1, "it is held")
        assert (await client.ask("/a", PARENT)).body == long
    asks = [span for span in collector.spans if span.name == "ask"]
    asked = [each for each in edge.origin.asked if "traceparent" in each.fields]
    assert len(asks) == len(asked) == len(edge.origin.asked) - 1 >= 2


async def test_what_became_of_spans_is_in_the_figures(plan: Plan, collector: Collector) -> None:
    plan.admin = Address("127.0.0.1", 0)
    plan.origin.put("/a", FILM)
    plan.tracing = Tracing(collector.url, 1.0, ())
    async with plan.start() as edge, httpx.AsyncClient() as scraper:
        await (await edge.client()).ask("/a")
        await eventually(lambda: bool(requests(collector)), "it is recorded")
        text = (await scraper.get(f"{edge.worker.admin_url}/metrics")).text
        assert "cinedge_edge_spans_sent_total " in text
        assert "cinedge_edge_spans_dropped_total 0.0" in text


def test_spans_are_counted_by_what_became_of_them(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the imports of the thread alone may take seconds.
    monkeypatch.setattr("cdnkit.service.trace_export.CLOSE_SECONDS", 60.0)
    lane: Any = Lane()
    traces = open_traces(Tracing(collector.url, 1.0, ()), "e1", lane)
    assert traces is not None
    with traces:
        span = traces._tracer.begin("edge GET", None, believed=False, request_id=None)
        assert span is not None
        span.end()
    assert traces.counts() == {"spans_sent": 1, "spans_dropped": 0}
