"""Crowds before an upstream that fails: a few questions, and an answer for everybody."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections import Counter

import pytest

from edge.crowds import Asking, Learned
from tests.edge.conftest import Asked, Edge, Plan, Script, eventually, says
from tests.edge.rest import all_at_rest
from tests.helpers.raw_client import Answer, RawClient, head

PATH = "/films/a.mp4"
VIEWERS = 100
FAILURES_SHARED = 3
"""Failed questions after which everybody is told."""


async def breaks(asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
    """Ends the connection in the middle of a head."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-")
    await writer.drain()
    writer.close()


class Course:
    """What an origin does to one question after the other, once `go` is set."""

    def __init__(self, edge: Edge, *course: Script) -> None:
        self.go = asyncio.Event()
        self.count = 0
        self.waiting = 0
        self.waiting_peak = 0
        self._course = course
        edge.origin.scripts[PATH] = self._serve

    async def _serve(self, asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        script = self._course[min(self.count, len(self._course) - 1)]
        self.count += 1
        self.waiting += 1
        self.waiting_peak = max(self.waiting_peak, self.waiting)
        await self.go.wait()
        await script(asked, reader, writer)
        self.waiting -= 1


async def crowd_at(edge: Edge, count: int = VIEWERS) -> list[RawClient]:
    """So many viewers whose requests the edge has read."""
    clients = [await edge.client() for _ in range(count)]
    for client in clients:
        await client.send(head(PATH))
    # Requests are read in the order of their coming; this one the edge answers by itself.
    assert (await (await edge.client()).ask("*", method="OPTIONS")).status < 300
    return clients


async def answers_to(clients: list[RawClient]) -> list[Answer]:
    return list(await asyncio.gather(*(client.answer() for client in clients)))


async def test_a_leader_whose_connection_breaks_is_followed_by_one_other(edge: Edge) -> None:
    edge.origin.put(PATH, b"x" * 1000)
    course = Course(edge, breaks, breaks, edge.origin.serve_thing)
    clients = await crowd_at(edge)
    course.go.set()
    answers = await answers_to(clients)
    # Two leaders are told of their own failures.
    assert Counter(answer.status for answer in answers) == {200: VIEWERS - 2, 502: 2}
    assert {answer.body for answer in answers if answer.status == 200} == {b"x" * 1000}
    assert (course.count, course.waiting_peak) == (3, 1)
    await all_at_rest(edge)


@pytest.mark.parametrize(
    "failing",
    [breaks, says("500 Oops", b"oops"), says("503 Later", b"", "Cache-Control: no-store")],
)
async def test_an_upstream_that_only_fails_is_asked_a_few_times(
    edge: Edge, failing: Script
) -> None:
    course = Course(edge, failing)
    clients = await crowd_at(edge)
    course.go.set()
    answers = await answers_to(clients)
    assert course.waiting_peak == 1
    assert course.count == FAILURES_SHARED
    told = Counter(answer.status for answer in answers)
    assert told[502] >= VIEWERS - FAILURES_SHARED
    assert sum(told[status] for status in (500, 502, 503)) == VIEWERS
    problems = {answer.fields["content-type"] for answer in answers[FAILURES_SHARED:]}
    assert problems == {"application/problem+json"}
    await all_at_rest(edge)


async def test_a_timeout_is_told_to_all_at_once(edge: Edge) -> None:
    course = Course(edge, says("504 Late", b""))
    clients = await crowd_at(edge)
    course.go.set()
    assert {answer.status for answer in await answers_to(clients)} == {504}
    assert course.count == 1
    await all_at_rest(edge)


async def test_a_leader_that_leaves_takes_no_answer_with_it(edge: Edge) -> None:
    edge.origin.put(PATH, b"x" * 1000)
    course = Course(edge, breaks, edge.origin.serve_thing)
    leader = await edge.client()
    await leader.send(head(PATH))
    await eventually(lambda: course.count == 1, "the leader has asked")
    clients = await crowd_at(edge)
    leader.close()
    course.go.set()
    assert Counter(answer.status for answer in await answers_to(clients)) == {200: VIEWERS}
    assert course.count <= 2
    await all_at_rest(edge)


async def test_what_may_not_be_stored_releases_the_crowd_at_once(edge: Edge) -> None:
    course = Course(edge, says("200 OK", b"yours", "Cache-Control: private"))
    clients = await crowd_at(edge, 20)
    course.go.set()
    answers = await answers_to(clients)
    assert {(answer.status, answer.body) for answer in answers} == {(200, b"yours")}
    assert course.count == 20
    await all_at_rest(edge)


@pytest.mark.parametrize("may_be_stale", [True, False])
async def test_a_crowd_before_a_failed_revalidation_costs_a_few_questions(
    plan: Plan, may_be_stale: bool
) -> None:
    clock = [1_000_000.0]
    plan.now = lambda: clock[0]
    more = "stale-if-error=60" if may_be_stale else "must-revalidate"
    async with plan.start() as edge:
        edge.origin.put(PATH, b"x" * 1000, lines=(f"Cache-Control: max-age=5, {more}",))
        assert (await (await edge.client()).ask(PATH)).status == 200
        clock[0] += 10
        course = Course(edge, says("500 Oops", b"oops"))
        clients = await crowd_at(edge)
        course.go.set()
        answers = await answers_to(clients)
        assert course.waiting_peak == 1
        if may_be_stale:
            assert {answer.body for answer in answers} == {b"x" * 1000}
            assert course.count == 1
        else:
            assert Counter(answer.status for answer in answers)[502] >= VIEWERS - FAILURES_SHARED
            assert course.count == FAILURES_SHARED
        await all_at_rest(edge)


async def test_one_after_the_other_each_asks(edge: Edge) -> None:
    """Nothing is remembered of a failure."""
    course = Course(edge, says("500 Oops", b"oops"))
    course.go.set()
    client = await edge.client()
    assert [(await client.ask(PATH)).status for _ in range(5)] == [500] * 5
    assert course.count == 5


async def test_who_waits_is_told_by_the_last_step_of_a_question() -> None:
    """A turn of the loop later what the upstream sends next would come first."""
    ended: list[Asking] = []
    gate = asyncio.Event()
    learned = Learned(None, 200)

    async def ask() -> Learned:
        await gate.wait()
        return learned

    asking = Asking(ask, 0, ended.append)
    waiting = [asyncio.ensure_future(asking.answer()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    told = list[bool]()
    asking.task.add_done_callback(lambda _: told.append(waiting[1].done()))
    gate.set()
    await asyncio.wait([asking.task])
    assert (ended, told) == ([asking], [True])
    assert waiting[1].result() is learned
    assert waiting[0].cancelled()
    assert await asking.answer() is learned


async def test_a_question_that_ends_before_it_begins_is_waited_for_by_nobody() -> None:
    ended: list[Asking] = []

    async def ask() -> Learned:
        raise AssertionError("never asked")

    asking = Asking(ask, 0, ended.append)
    waiting = asyncio.ensure_future(asking.answer())
    asking.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [asking]
