"""A fill that is ahead of its readers waits for them, and for nobody who is not on the way."""

from __future__ import annotations

import asyncio

import pytest

from tests.edge.conftest import BLOCK, Edge, Origin, Plan, eventually
from tests.edge.rest import all_at_rest
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.raw_client import RawClient, head

TARGET = "/films/a.mp4"


@pytest.fixture
def film(origin: Origin) -> FilmOrigin:
    made = FilmOrigin(200 * BLOCK, BLOCK)
    origin.scripts[TARGET] = made.serve
    return made


async def slow_viewer(edge: Edge, *lines: str) -> RawClient:
    """One who takes little; the fill has come as far ahead as it may."""
    client = await edge.client(receive_buffer_bytes=4096)
    await client.send(head(TARGET, *lines))
    await eventually(lambda: bool(edge.worker.fills.parking._runs), "the fill is parked")
    return client


async def test_a_fill_ahead_of_a_slow_reader_costs_one_request_and_no_byte_twice(
    edge: Edge, film: FilmOrigin
) -> None:
    client = await slow_viewer(edge)
    assert (await client.answer()).body == film_bytes(1, 0, film.size_bytes)
    assert film.requests == [""]
    assert film.sent_bytes == edge.worker.fills.received_bytes_total == film.size_bytes
    await all_at_rest(edge)


async def test_a_viewer_that_leaves_takes_its_parked_fill_along(
    edge: Edge, film: FilmOrigin
) -> None:
    client = await slow_viewer(edge)
    client.reset()
    await eventually(lambda: not edge.worker.fills._tasks, "the fill has ended")
    await all_at_rest(edge)
    assert edge.worker.fills.received_bytes_total < film.size_bytes // 2


async def test_a_seek_gives_up_what_was_parked_for_the_place_before(
    edge: Edge, film: FilmOrigin
) -> None:
    slow = await slow_viewer(edge)
    (run,) = next(iter(edge.worker.fills.parking._runs.values()))
    other = await edge.client()
    start = 150 * BLOCK
    answer = await other.ask(TARGET, f"Range: bytes={start}-{start + 99}")
    assert answer.body == film_bytes(1, start, start + 100)
    assert not run.ended
    slow.close()
    await eventually(lambda: run.ended, "nobody is on the way to it")
    await all_at_rest(edge)


async def test_another_request_in_need_of_the_connection_gets_it(
    plan: Plan, origin: Origin, film: FilmOrigin
) -> None:
    origin.put("/other", b"other")
    async with plan.but(upstream_connections_max=1).start() as edge:
        slow = await slow_viewer(edge)
        assert (await (await edge.client()).ask("/other")).body == b"other"
        assert (await slow.answer()).body == film_bytes(1, 0, film.size_bytes)
        assert len(film.requests) > 1
        await all_at_rest(edge)


async def test_an_upstream_that_breaks_a_parked_answer_is_asked_again(
    edge: Edge, film: FilmOrigin
) -> None:
    film.holds[180 * BLOCK] = asyncio.Event()
    slow = await slow_viewer(edge)
    for pool in edge.worker.fetcher._origin.ways.upstreams[0].pools:
        pool.abort()
    film.holds.clear()
    assert (await slow.answer()).body == film_bytes(1, 0, film.size_bytes)
    await all_at_rest(edge)


async def test_an_answer_that_waits_too_long_is_given_up(
    edge: Edge, film: FilmOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.parking.PARKED_SECONDS", 0.0)
    slow = await edge.client(receive_buffer_bytes=4096)
    await slow.send(head(TARGET))
    fills = edge.worker.fills
    await eventually(lambda: bool(film.sent) and not fills._tasks, "the fill stopped")
    assert (await slow.answer()).body == film_bytes(1, 0, film.size_bytes)
    await all_at_rest(edge)
