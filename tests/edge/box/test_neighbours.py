"""A change counts when every worker has made it, one that was away included."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from edge.box.neighbours import Change, Neighbours
from edge.box.sockets import Sockets
from tests.edge.conftest import eventually


class Worker:
    """Neighbours that only write down what they hear."""

    def __init__(self, number: int, sockets: Sockets) -> None:
        self.made: list[Change] = []
        self.heard: list[object] = []
        self.joined = Neighbours(number, sockets, self.made.append)
        self.joined.on_follower = lambda link, kind, rest: self.heard.append((kind, *rest))
        self.joined.on_owner = self.joined.on_follower
        self.joined.on_up = lambda owner: self.heard.append(("up", owner))
        self.joined.on_down = lambda owner: self.heard.append(("down", owner))
        self.joined.on_left = lambda follower: self.heard.append(("left", follower))


@pytest.fixture
async def sockets() -> AsyncIterator[Sockets]:
    with contextlib.closing(Sockets(3)) as made:
        yield made


@contextlib.asynccontextmanager
async def started(sockets: Sockets, *numbers: int) -> AsyncIterator[list[Worker]]:
    workers = [Worker(number, sockets) for number in numbers]
    starting = [asyncio.ensure_future(worker.joined.start()) for worker in workers]
    await eventually(
        lambda: all(
            set(numbers) <= {*worker.joined.followed, worker.joined.number} for worker in workers
        ),
        "they meet",
    )
    try:
        yield workers
    finally:
        for task in starting:
            task.cancel()
        for worker in workers:
            await worker.joined.close()


async def test_a_change_is_made_once_by_each(sockets: Sockets) -> None:
    async with started(sockets, 0, 1, 2) as workers:
        done = workers[1].joined.everywhere(["gone", "x"])
        assert workers[1].made == [["gone", "x"]]
        await done
        assert [worker.made for worker in workers] == [[["gone", "x"]]] * 3


async def test_what_was_said_before_a_change_is_heard_before_it_counts(sockets: Sockets) -> None:
    async with started(sockets, 0, 1, 2) as workers:
        workers[2].joined.followers[0].send("lent", 1)
        await workers[1].joined.everywhere(["gone", "x"])
        assert ("lent", 1) in workers[0].heard


async def test_a_change_waits_for_a_worker_that_is_away(sockets: Sockets) -> None:
    async with started(sockets, 0, 1) as workers:
        done = workers[0].joined.everywhere(["gone", "x"])
        await eventually(lambda: workers[1].made == [["gone", "x"]], "it is made by who is there")
        await eventually(lambda: workers[0].joined.unconfirmed() == 1, "one is waited for")
        assert not done.done()
        async with started(sockets, 2) as late:
            await done
            assert late[0].made == [["gone", "x"]]


async def test_one_that_ends_is_missed_and_welcome_again(sockets: Sockets) -> None:
    async with started(sockets, 0, 1) as workers:
        async with started(sockets, 2):
            await eventually(lambda: 2 in workers[0].joined.followed, "it is followed")
        await eventually(
            lambda: {("down", 2), ("left", 2)} <= set(workers[0].heard), "its end is noticed"
        )
        async with started(sockets, 2) as again:
            await eventually(lambda: 2 in workers[0].joined.followed, "it is followed again")
            await workers[0].joined.everywhere(["gone", "y"])
            assert again[0].made == [["gone", "y"]]
