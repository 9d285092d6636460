"""A change counts when every worker has made it, one that was away included."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest

from edge.box.neighbours import EVERYTHING, Change, Neighbours
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


@contextlib.contextmanager
def stopped(worker: Worker) -> Iterator[None]:
    """Nothing is read meanwhile, and nothing is lost: as SIGSTOP leaves a process."""
    transports = [cast(Any, link._transport) for link in worker.joined._links]
    for transport in transports:
        transport.pause_reading()
    yield
    for transport in transports:
        transport.resume_reading()


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.box.neighbours.CONFIRM_SECONDS_MAX", 0.05)
    monkeypatch.setattr("edge.box.neighbours._PASS_SECONDS_MAX", 0.02)


@pytest.mark.usefixtures("_impatient")
async def test_a_worker_that_is_stopped_holds_nothing_up_and_knows_that_it_is_behind(
    sockets: Sockets,
) -> None:
    async with started(sockets, 0, 1, 2) as workers:
        with stopped(workers[2]):
            await workers[0].joined.everywhere(["gone", "x"])
            assert (workers[1].made, workers[2].made) == ([["gone", "x"]], [])
            assert not workers[2].joined.abreast.is_abreast()
        await eventually(workers[2].joined.abreast.is_abreast, "it has caught up")
        assert workers[2].made == [["gone", "x"]]
        await eventually(lambda: workers[0].joined.unconfirmed() == 0, "it confirms")


@pytest.mark.usefixtures("_impatient")
async def test_nobody_waits_twice_for_the_same_silence(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started(sockets, 0, 1, 2) as workers:
        with stopped(workers[2]):
            await workers[0].joined.everywhere(["gone", "x"])
            await eventually(lambda: bool(workers[1].joined._late_borrowers), "so does another")
            monkeypatch.setattr("edge.box.neighbours.CONFIRM_SECONDS_MAX", 3600)
            monkeypatch.setattr("edge.box.neighbours._PASS_SECONDS_MAX", 3600)
            await workers[0].joined.everywhere(["gone", "y"])
            assert ["gone", "y"] in workers[1].made
            assert not workers[2].joined.abreast.is_abreast()
        await eventually(lambda: workers[0].joined.unconfirmed() == 0, "it confirms both")
        assert workers[2].joined.abreast.is_abreast()
        await eventually(lambda: not workers[0].joined._late_borrowers, "it is waited for again")
        assert not workers[0].joined._late
        await workers[0].joined.everywhere(["gone", "z"])
        assert workers[2].made[-1] == ["gone", "z"]


@pytest.mark.usefixtures("_impatient")
async def test_a_borrower_that_missed_an_owners_words_is_behind(sockets: Sockets) -> None:
    """What an owner said before a change may still be on its way when the change is made."""
    async with started(sockets, 0, 1, 2) as workers:
        followed = cast(Any, workers[2].joined.followed[1]._transport)
        followed.pause_reading()
        workers[1].joined.followers[2].send("lent", 1)
        await workers[0].joined.everywhere(["gone", "x"])
        assert workers[2].made == [["gone", "x"]]
        assert not workers[2].joined.abreast.is_abreast()
        followed.resume_reading()
        await eventually(workers[2].joined.abreast.is_abreast, "it has heard")
        assert ("lent", 1) in workers[2].heard


@pytest.mark.usefixtures("_impatient")
async def test_a_worker_that_is_started_anew_is_behind_until_it_was_told(sockets: Sockets) -> None:
    async with started(sockets, 0, 1) as workers:
        async with started(sockets, 2):
            await eventually(lambda: 2 in workers[0].joined.followed, "it is followed")
        await eventually(lambda: 2 not in workers[0].joined.followed, "it is missed")
        await workers[0].joined.everywhere(["gone", "x"])
        late = Worker(2, sockets)
        assert not late.joined.abreast.is_abreast()
        async with started(sockets, 2) as again:
            await eventually(again[0].joined.abreast.is_abreast, "it was told")
            assert again[0].made == [["gone", "x"]]


@pytest.mark.usefixtures("_impatient")
async def test_a_worker_that_is_started_anew_is_told_when_it_missed_nothing(
    sockets: Sockets,
) -> None:
    async with started(sockets, 0, 1) as workers:
        async with started(sockets, 2) as before:
            await eventually(lambda: len(workers[0].joined.followers) == 2, "all have met")
            with stopped(before[0]):
                await workers[0].joined.everywhere(["gone", "x"])
            await eventually(lambda: workers[0].joined.unconfirmed() == 0, "it confirms")
        async with started(sockets, 2) as again:
            await eventually(again[0].joined.abreast.is_abreast, "it was told")
            assert again[0].made == []


@pytest.mark.usefixtures("_impatient")
async def test_more_changes_than_are_kept_become_one(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.box.neighbours._UNCONFIRMED_MAX", 5)
    async with started(sockets, 0, 1) as workers:
        await workers[0].joined.everywhere(["gone", "first"])
        for number in range(18):
            await workers[0].joined.everywhere(["gone", number])
            assert workers[0].joined.unconfirmed() <= 5
        async with started(sockets, 2) as late:
            await eventually(lambda: workers[0].joined.unconfirmed() == 0, "all are confirmed")
            assert late[0].made[0] == EVERYTHING
            assert late[0].made[-1] == ["gone", 17]
            assert late[0].joined.abreast.is_abreast()


@pytest.mark.usefixtures("_impatient")
async def test_what_a_worker_gives_up_is_missed_though_its_former_life_gave_up_more(
    sockets: Sockets,
) -> None:
    async with started(sockets, 2) as workers:
        async with started(sockets, 0) as before:
            await eventually(lambda: len(before[0].joined.followers) == 1, "they have met")
            for number in range(5):
                await before[0].joined.everywhere(["gone", number])
        async with started(sockets, 0) as again:
            await eventually(lambda: len(again[0].joined.followers) == 1, "they have met")
            with stopped(workers[0]):
                await again[0].joined.everywhere(["gone", "x"])
                assert ["gone", "x"] not in workers[0].made
                assert not workers[0].joined.abreast.is_abreast()


@pytest.mark.usefixtures("_impatient")
async def test_who_missed_what_a_former_life_gave_up_trusts_nothing_and_goes_on(
    sockets: Sockets,
) -> None:
    async with started(sockets, 1) as workers:
        async with started(sockets, 0) as before:
            await eventually(lambda: len(before[0].joined.followers) == 1, "they have met")
            await before[0].joined.everywhere(["gone", "x"])
        async with started(sockets, 0) as again, started(sockets, 2) as late:
            await eventually(late[0].joined.abreast.is_abreast, "it has met it")
            assert late[0].made == [EVERYTHING]
            await again[0].joined.everywhere(["gone", "y"])
            assert late[0].made == [EVERYTHING, ["gone", "y"]]
        assert workers[0].made == [["gone", "x"], ["gone", "y"]]
