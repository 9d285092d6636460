"""Work in slices: all of it, in order, with the loop's other work between."""

from __future__ import annotations

import asyncio
import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from edge.turns import SLICE_SECONDS, in_slices


class SteppingClock:
    """Every look at it costs a part of a slice."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self._step = step

    def __call__(self) -> float:
        self.now += self._step
        return self.now


@given(st.integers(0, 40), st.floats(0.01, 2))
def test_everything_is_done_once_in_order_and_then_what_comes_after(
    count: int, cost: float
) -> None:
    async def run() -> list[int]:
        done: list[int] = []
        end = asyncio.Event()
        clock = SteppingClock(cost * SLICE_SECONDS)
        in_slices(asyncio.get_running_loop(), range(count), done.append, end.set, clock=clock)
        await end.wait()
        return done

    assert asyncio.run(run()) == list(range(count))


async def test_a_failure_with_one_is_reported_and_keeps_nothing_from_the_others() -> None:
    loop = asyncio.get_running_loop()
    reported: list[dict[str, object]] = []
    loop.set_exception_handler(lambda loop, context: reported.append(context))
    done: list[float] = []
    end = asyncio.Event()
    clock = SteppingClock(SLICE_SECONDS / 2)
    in_slices(loop, [1, 2, 0, 4, 5, 0], lambda each: done.append(1 / each), end.set, clock=clock)
    await end.wait()
    loop.set_exception_handler(None)
    assert done == [1, 1 / 2, 1 / 4, 1 / 5]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError] * 2


async def test_others_get_their_turn_between_slices() -> None:
    seen: list[str] = []
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.call_soon(seen.append, "other")
    in_slices(loop, "abcdef", seen.append, end.set, clock=SteppingClock(SLICE_SECONDS / 2))
    assert "other" not in seen
    assert len(seen) < 6
    await end.wait()
    assert seen[-1] == "f"
    assert [each for each in seen if each != "other"] == list("abcdef")


class Herd:
    """Somebody who is told when all is done."""

    done = False

    def told(self) -> None:
        self.done = True


def test_nothing_of_it_is_left_for_the_collector() -> None:
    gc.disable()
    try:
        herd, loop = Herd(), asyncio.new_event_loop()
        in_slices(loop, [1, 2], lambda _: None, herd.told)
        assert herd.done
        left = weakref.ref(herd)
        del herd
        assert left() is None
        loop.close()
    finally:
        gc.enable()
