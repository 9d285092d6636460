"""A task that fails is heard of and begins anew; it ends when it is done or told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cdnkit.service.lasting import (
    GOOD_LIFE_SECONDS,
    PAUSE_SECONDS_MAX,
    end_tasks,
    lasting,
    start_lasting,
)
from tests.helpers.clock import FakeClock

Life = Callable[[], None]


class Lives:
    """Work that does one of these with each life, and is done after the last."""

    def __init__(self, *lives: Life) -> None:
        self.left = list(lives)
        self.pauses: list[float] = []

    async def work(self) -> None:
        if self.left:
            self.left.pop(0)()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def fail() -> None:
    raise ValueError("planted")


async def test_what_fails_is_told_with_its_traceback_and_begins_anew() -> None:
    lives = Lives(fail)
    with capture_logs() as logs:
        await lasting("sweeper", lives.work, pause=lives.pause)
    (line,) = logs
    assert (line["log_level"], line["task"], line["exc_info"]) == ("error", "sweeper", True)
    assert lives.left == []


async def test_what_fails_again_and_again_is_begun_less_and_less_often() -> None:
    lives = Lives(*[fail] * 8)
    await lasting("a", lives.work, pause=lives.pause)
    assert lives.pauses == [1, 2, 4, 8, 16, 32, PAUSE_SECONDS_MAX, PAUSE_SECONDS_MAX]


async def test_a_failure_after_a_good_life_is_a_new_one() -> None:
    clock = FakeClock()

    def live_long() -> None:
        clock.advance(GOOD_LIFE_SECONDS)
        fail()

    lives = Lives(fail, fail, live_long, fail)
    await lasting("a", lives.work, pause=lives.pause, clock=clock)
    assert lives.pauses == [1, 2, 1, 2]


async def test_what_is_due_every_second_is_begun_every_second() -> None:
    lives = Lives(*[fail] * 5)
    await lasting("tick", lives.work, pause_seconds_max=1.0, pause=lives.pause)
    assert lives.pauses == [1.0] * 5


@pytest.mark.parametrize("ends", [lambda: None, fail], ids=["working", "waiting to begin anew"])
async def test_it_ends_when_it_is_told_to(ends: Life) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        ends()
        await asyncio.Event().wait()

    task = start_lasting("a", work)
    await begun.wait()
    await end_tasks(task)
    assert task.cancelled()


async def test_a_cancellation_is_no_failure() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    async def pause(seconds: float) -> None:
        pytest.fail("begun anew")

    with pytest.raises(asyncio.CancelledError):
        await lasting("a", work, pause=pause)


async def test_what_fails_while_it_is_told_to_end_is_told_of_and_not_begun_anew() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            fail()

    async def pause(seconds: float) -> None:
        pytest.fail("begun anew")

    task = asyncio.create_task(lasting("a", work, pause=pause))
    await begun.wait()
    with capture_logs() as logs:
        await end_tasks(task)
    assert task.cancelled()
    assert [(line["event"], line["task"]) for line in logs] == [("task failed at its end", "a")]
