"""A crowd with one question: everybody's first bytes, then everybody's all, in their own names."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from asyncio import StreamReader, StreamWriter
from typing import Any

import pytest

import edge.herd as edge_herd
from edge.account import Told
from edge.app import worker
from edge.cache.shelves import shelf_of
from edge.cmsd import Cmsd
from edge.connection import Connection
from edge.entry import name_of
from edge.entry_answer import EntryAnswers
from edge.exchange import Exchange
from edge.herd import Herd, _send
from edge.portions import FIRST_BYTES
from tests.edge.cache.slow_disks import Gates, gates
from tests.edge.conftest import BLOCK, Asked, Edge, Origin, Plan, eventually
from tests.edge.rest import all_at_rest
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.raw_client import Answer, CutShortError, RawClient, head

__all__ = ["gates"]
TARGET = "/films/a.mp4"
VIEWERS = 60


@pytest.fixture
def film(origin: Origin) -> FilmOrigin:
    made = FilmOrigin(6 * BLOCK + 7, BLOCK)
    origin.scripts[TARGET] = made.serve
    return made


class Gate:
    """Holds the origin's answers back until it is opened."""

    def __init__(self, origin: Origin) -> None:
        self.open = asyncio.Event()
        self.asked = 0
        self._serve = origin.scripts[TARGET]
        origin.scripts[TARGET] = self._wait

    async def _wait(self, asked: Asked, reader: StreamReader, writer: StreamWriter) -> None:
        self.asked += 1
        await self.open.wait()
        await self._serve(asked, reader, writer)


async def gathered(edge: Edge, *lines: str, count: int = VIEWERS) -> list[RawClient]:
    """So many viewers with one question, which the edge has read."""
    clients = [await edge.client() for _ in range(count)]
    for client in clients:
        await client.send(head(TARGET, *lines))
    assert (await (await edge.client()).ask("*", method="OPTIONS")).status == 204
    return clients


async def answers_to(clients: list[RawClient]) -> list[Answer]:
    return list(await asyncio.gather(*(client.answer() for client in clients)))


def courses(edge: Edge) -> int:
    """Requests that have a course of their own now."""
    return len(edge.worker.server._tasks)


@pytest.mark.usefixtures("film")
async def test_a_crowd_that_was_answered_leaves_nothing_for_the_collector(edge: Edge) -> None:
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    gc.collect()
    gc.disable()
    try:
        gate.open.set()
        assert len(await answers_to(clients)) == VIEWERS
        await all_at_rest(edge)
        assert not [each for each in gc.get_objects() if isinstance(each, Herd)]
    finally:
        gc.enable()


async def test_one_course_serves_everybody_with_the_same_question(
    edge: Edge, film: FilmOrigin
) -> None:
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    assert courses(edge) == 1
    gate.open.set()
    answers = await answers_to(clients)
    assert {answer.body for answer in answers} == {film_bytes(1, 0, film.size_bytes)}
    assert {answer.status for answer in answers} == {200}
    assert film.requests == [""]
    assert len({answer.fields["x-request-id"] for answer in answers}) == VIEWERS
    collapsed = ["collapsed" in answer.fields["cache-status"] for answer in answers]
    assert collapsed == [False] + [True] * (VIEWERS - 1)
    counted = edge.worker.accounts.counters.requests[("miss", "cold", 200)]
    assert counted == VIEWERS
    await all_at_rest(edge)


async def test_an_answer_of_the_crowd_says_what_the_first_one_says(
    edge: Edge, film: FilmOrigin
) -> None:
    gate = Gate(edge.origin)
    clients = await gathered(edge, "Range: bytes=100-4099", count=2)
    gate.open.set()
    first, second = await answers_to(clients)
    assert (first.status, first.body) == (206, film_bytes(1, 100, 4100))
    assert (second.status, second.body) == (first.status, first.body)
    own = {"x-request-id", "cache-status"}
    assert list(first.fields) == list(second.fields)
    for name in set(first.fields) - own:
        assert second.fields[name] == first.fields[name]
    told = second.fields["cache-status"]
    assert told.replace("; collapsed", "") == first.fields["cache-status"] != told


@pytest.mark.parametrize("size_bytes", [700, 6 * BLOCK + 7])
async def test_everybody_is_told_of_the_own_connection(
    plan: Plan, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    def port_of(cmsd: Cmsd, connection: Connection) -> None:
        connection.cmsd = b"CMSD-Dynamic: p%d\r\n" % connection.sock.getpeername()[1]

    monkeypatch.setattr(Cmsd, "tell", port_of)
    film.size_bytes = size_bytes
    gate = Gate(plan.origin)
    async with plan.but(cmsd=True).start() as edge:
        clients = await gathered(edge, count=5)
        ports = [client.sock.getsockname()[1] for client in clients]
        gate.open.set()
        answers = await answers_to(clients)
    assert [answer.fields["cmsd-dynamic"] for answer in answers] == [f"p{port}" for port in ports]
    assert list(answers[0].fields) == list(answers[-1].fields)


async def test_the_first_bytes_leave_before_the_block_is_here(edge: Edge, film: FilmOrigin) -> None:
    film.holds[9000] = held = asyncio.Event()
    clients = await gathered(edge)
    for client in clients:
        assert await client._take_until(b"\r\n\r\n")
        assert await client._take(FIRST_BYTES) == film_bytes(1, 0, FIRST_BYTES)
    held.set()
    for client in clients:
        rest = await client._take(film.size_bytes - FIRST_BYTES)
        assert rest == film_bytes(1, FIRST_BYTES, film.size_bytes)
    await all_at_rest(edge)


async def test_a_question_for_bytes_that_are_still_to_come_waits_for_them(
    edge: Edge, film: FilmOrigin
) -> None:
    film.holds[9000] = held = asyncio.Event()
    clients = await gathered(edge, f"Range: bytes=20000-{3 * BLOCK}")
    await eventually(lambda: film.sent_bytes == 9000, "the block grows")
    assert courses(edge) == 1
    held.set()
    bodies = {answer.body for answer in await answers_to(clients)}
    assert bodies == {film_bytes(1, 20000, 3 * BLOCK + 1)}
    await all_at_rest(edge)


async def test_a_fill_that_breaks_before_the_first_byte_wanted_is_asked_for_again(
    edge: Edge, film: FilmOrigin
) -> None:
    film.cuts = [9000]
    clients = await gathered(edge, f"Range: bytes=20000-{3 * BLOCK}")
    bodies = {answer.body for answer in await answers_to(clients)}
    assert bodies == {film_bytes(1, 20000, 3 * BLOCK + 1)}
    await all_at_rest(edge)


async def test_who_leaves_while_waiting_is_counted_as_cut_and_hurts_nobody(
    edge: Edge, film: FilmOrigin
) -> None:
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    for client in clients[::2]:
        client.reset()
    await eventually(
        lambda: len(edge.worker.server.connections) == VIEWERS // 2 + 1, "half are gone"
    )
    gate.open.set()
    bodies = {answer.body for answer in await answers_to(clients[1::2])}
    assert bodies == {film_bytes(1, 0, film.size_bytes)}
    await all_at_rest(edge)
    assert edge.worker.accounts.counters.cut_short == VIEWERS // 2
    assert edge.worker.accounts.counters.requests[("miss", "cold", 200)] == VIEWERS


async def test_a_small_object_is_over_with_its_first_bytes(edge: Edge, film: FilmOrigin) -> None:
    film.size_bytes = 700
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    gate.open.set()
    assert {answer.body for answer in await answers_to(clients)} == {film_bytes(1, 0, 700)}
    # The connections go on.
    assert (await clients[-1].ask(TARGET)).body == film_bytes(1, 0, 700)
    await all_at_rest(edge)


async def test_a_request_that_comes_while_another_is_waited_for_is_answered_after_it(
    edge: Edge, film: FilmOrigin
) -> None:
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    for client in clients:
        await client.send(head(TARGET, "Range: bytes=0-9"))
    gate.open.set()
    for answer in await answers_to(clients):
        assert answer.body == film_bytes(1, 0, film.size_bytes)
    assert {answer.body for answer in await answers_to(clients)} == {film_bytes(1, 0, 10)}
    await all_at_rest(edge)


async def test_slow_readers_of_a_crowd_get_exact_bytes(edge: Edge, film: FilmOrigin) -> None:
    film.size_bytes = 40 * BLOCK
    gate = Gate(edge.origin)
    clients = [await edge.client(receive_buffer_bytes=4096) for _ in range(12)]
    for client in clients:
        await client.send(head(TARGET))
    await eventually(lambda: gate.asked == 1, "the origin is asked")
    gate.open.set()
    bodies = {answer.body for answer in await answers_to(clients)}
    assert bodies == {film_bytes(1, 0, film.size_bytes)}
    await all_at_rest(edge)


async def test_a_crowd_that_waits_for_a_disk_first_is_answered_once(
    plan: Plan, film: FilmOrigin, gates: Gates
) -> None:
    shelf = shelf_of(name_of(TARGET.encode()))
    targets = (f"/beside/{number}" for number in itertools.count())
    beside = next(each for each in targets if shelf_of(name_of(each.encode())) == shelf)
    plan.origin.put(beside, b"held")
    gates.open()
    async with plan.start() as edge:
        await (await edge.client()).ask(beside)
    gates._all_open = False
    gate = Gate(plan.origin)
    async with worker(plan.node(), plan.topology()) as running:
        edge = Edge(running, plan.origin)
        clients = [await edge.client() for _ in range(VIEWERS)]
        await eventually(lambda: len(running.server.connections) == VIEWERS, "all are here")
        for client in clients:
            # In one turn of the edge, which is in this thread too.
            client.sock.send(head(TARGET))
        await eventually(lambda: courses(edge) == VIEWERS, "each waits for the disk by itself")
        gates.open()
        await eventually(lambda: gate.asked == 1, "the origin is asked")
        gate.open.set()
        bodies = {answer.body for answer in await answers_to(clients)}
        assert bodies == {film_bytes(1, 0, film.size_bytes)}
        # Nothing came behind it: the next answer on each connection is the next request's.
        for client in clients:
            assert (await client.ask(TARGET, "Range: bytes=7-9")).body == film_bytes(1, 7, 10)
        assert running.accounts.counters.requests[("miss", "cold", 200)] == VIEWERS
        await all_at_rest(edge)


async def outcomes(clients: list[RawClient]) -> list[bytes | None]:
    """The bodies; None where the connection ended before one was whole."""
    answers = await asyncio.gather(*(each.answer() for each in clients), return_exceptions=True)
    for answer in answers:
        assert isinstance(answer, Answer | CutShortError), answer
    return [answer.body if isinstance(answer, Answer) else None for answer in answers]


@pytest.mark.parametrize(("owner", "step"), [(edge_herd, "_send"), (Herd, "_body")])
async def test_a_mistake_with_one_viewer_ends_its_connection_and_hurts_nobody(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch, owner: object, step: str
) -> None:
    film.holds[9000] = held = asyncio.Event()
    right = getattr(owner, step)
    calls: list[object] = []

    def wrong(*args: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise RuntimeError("a mistake")
        return right(*args)

    monkeypatch.setattr(owner, step, wrong)
    clients = await gathered(edge)
    await eventually(lambda: len(calls) == VIEWERS - 1, "all have begun")
    await eventually(lambda: not edge.worker.fills.beginning, "the rest is under way")
    held.set()
    bodies = await outcomes(clients)
    assert bodies.count(None) == 1
    assert set(bodies) == {None, film_bytes(1, 0, film.size_bytes)}
    await all_at_rest(edge)
    assert edge.worker.accounts.counters.cut_short == 1
    assert edge.worker.accounts.counters.requests[("miss", "cold", 200)] == VIEWERS


async def test_a_head_that_cannot_be_made_ends_the_connections_of_all_who_waited(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    opening = EntryAnswers.opening

    def wrong(
        self: EntryAnswers, exchange: Exchange, told: Told, *rest: Any, **more: Any
    ) -> tuple[bytes, int, int]:
        if told.request_id == b"\0":
            raise RuntimeError("a mistake")
        return opening(self, exchange, told, *rest, **more)

    monkeypatch.setattr(EntryAnswers, "opening", wrong)
    gate.open.set()
    bodies = await outcomes(clients)
    assert bodies == [film_bytes(1, 0, film.size_bytes)] + [None] * (VIEWERS - 1)
    assert not edge.worker.fills.beginning
    await all_at_rest(edge)


async def test_a_version_replaced_while_a_crowd_is_answered_stays_until_all_have_it(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    film.holds[3 * BLOCK] = held = asyncio.Event()
    gate = Gate(edge.origin)
    clients = await gathered(edge)
    clients.pop(0).reset()
    await eventually(lambda: len(edge.worker.server.connections) == VIEWERS, "the first is gone")
    calls: list[object] = []

    def slowly(*args: Any) -> None:
        # Long enough for the first blocks to be written meanwhile.
        time.sleep(0.002)
        calls.append(args)
        _send(*args)
        if len(calls) == VIEWERS - 1:
            edge.worker.holdings.invalidate(TARGET.encode(), None)

    monkeypatch.setattr(edge_herd, "_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(edge_herd, "_send", slowly)
    gate.open.set()
    await eventually(lambda: len(calls) == VIEWERS - 1, "all have begun")
    held.set()
    assert set(await outcomes(clients)) == {film_bytes(1, 0, film.size_bytes)}
    assert film.requests == [""]
    await all_at_rest(edge)


async def test_a_drain_lets_a_crowd_have_its_answers(plan: Plan, film: FilmOrigin) -> None:
    film.holds[film.size_bytes - 9] = held = asyncio.Event()
    async with worker(plan.node(), plan.topology()) as running:
        edge = Edge(running, plan.origin)
        clients = await gathered(edge)
        for client in clients:
            assert await client._take_until(b"\r\n\r\n")
        # The first one, whose task a drain waits for anyway, is not there any more.
        clients.pop(0).reset()
        await eventually(lambda: not courses(edge), "only the crowd is left")
        rest = asyncio.gather(
            *(client._take(film.size_bytes) for client in clients), return_exceptions=True
        )

        async def let() -> None:
            await eventually(lambda: running.server._draining, "the edge drains")
            held.set()

        letting = asyncio.ensure_future(let())
    await letting
    assert await rest == [film_bytes(1, 0, film.size_bytes)] * len(clients)
