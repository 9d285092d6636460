"""Work for many connections in slices, so that no viewer waits for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Final, TypeVar

T = TypeVar("T")
SLICE_SECONDS: Final = 0.002
"""As long as reading the requests of a full turn takes."""


def in_slices(
    loop: asyncio.AbstractEventLoop,
    items: Iterable[T],
    do: Callable[[T], None],
    then: Callable[[], None] | None = None,
    *,
    slice_seconds: float = SLICE_SECONDS,
    clock: Callable[[], float] = perf_counter,
) -> None:
    """Do it with some of the items now and with the others in the loop's next turns.

    `then` is called once all are done, at once when one slice holds them. A failure with one item
    is told to the loop's exception handler and keeps nothing from the others.
    """
    _turn(loop, iter(items), do, then, slice_seconds, clock)


def _turn(
    loop: asyncio.AbstractEventLoop,
    rest: Iterator[T],
    do: Callable[[T], None],
    then: Callable[[], None] | None,
    slice_seconds: float,
    clock: Callable[[], float],
) -> None:
    # No closure: one that calls itself again is a cycle, and was left for the collector, which
    # comes rarely, with every piece of a block that came in.
    until = clock() + slice_seconds
    for each in rest:
        try:
            do(each)
        except Exception as error:
            loop.call_exception_handler({"message": "a slice failed", "exception": error})
        if clock() > until:
            loop.call_soon(_turn, loop, rest, do, then, slice_seconds, clock)
            return
    if then is not None:
        then()
