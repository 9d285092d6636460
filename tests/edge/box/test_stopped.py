"""A worker that goes on after it was stopped asks before it serves; its lane does, too."""

from __future__ import annotations

import random
from typing import Any

import pytest

from edge.box.abreast import CHANGES
from tests.edge.box.conftest import Boxed, owned_by
from tests.edge.conftest import BLOCK, Edge
from tests.helpers.raw_client import RawClient

pytestmark = pytest.mark.both_forms

FILM = random.Random(5).randbytes(2 * BLOCK)
TARGET = owned_by(1)


async def test_a_worker_that_is_behind_asks_also_for_what_its_lane_was_taught(box: Boxed) -> None:
    origin, edge = box.workers[0].origin, box.owner(TARGET)
    giver = box.others(TARGET)[0].worker.box
    assert giver is not None
    assert edge.worker.box is not None
    origin.put(TARGET, FILM)
    client = await edge.client()
    await eventually_by_the_lane(edge, client)
    missed = giver.neighbours._changes + 1
    giver.neighbours.abreast.give_up(CHANGES, missed)
    for _ in range(2):
        answer = await client.ask(TARGET)
        assert "fwd=stale; fwd-status=304" in answer.fields["cache-status"]
    edge.worker.box.neighbours.abreast.heard(giver.neighbours.number, CHANGES, missed)
    assert "; hit" in (await client.ask(TARGET)).fields["cache-status"]


async def eventually_by_the_lane(edge: Edge, client: RawClient) -> None:
    for _ in range(1000):
        before = edge.worker.lane.wholes
        assert (await client.ask(TARGET)).body == FILM
        if edge.worker.lane.wholes > before:
            return
    pytest.fail("the lane never takes it")


class Polled:
    """An epoll that writes down when it is asked."""

    def __init__(self, epoll: Any, calls: list[str]) -> None:
        self._epoll = epoll
        self._calls = calls

    def poll(self, *arguments: Any) -> Any:
        self._calls.append("poll")
        return self._epoll.poll(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._epoll, name)


async def test_a_worker_looks_whether_it_was_stopped_after_it_knows_who_asks(box: Boxed) -> None:
    """Before that it may be stopped between the look and a request that comes meanwhile."""
    edge, calls = box.workers[0], list[str]()
    server, lane = edge.worker.server, edge.worker.lane
    look = lane.on_turn
    assert look is not None

    def watched() -> None:
        calls.append("look")
        look()

    edge.origin.put(TARGET, FILM)
    server._rounds.poll = Polled(server._epoll, calls).poll
    lane.on_turn = watched
    for _ in range(3):
        await (await edge.client()).ask(TARGET)
    polls = [place for place, call in enumerate(calls) if call == "poll"]
    assert len(polls) >= 3
    assert all(calls[place + 1 : place + 2] == ["look"] for place in polls)
