"""Work for many connections in slices, so that no viewer waits for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
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
    rest = iter(items)

    def turn() -> None:
        until = clock() + slice_seconds
        for each in rest:
            try:
                do(each)
            except Exception as error:
                loop.call_exception_handler({"message": "a slice failed", "exception": error})
            if clock() > until:
                loop.call_soon(turn)
                return
        if then is not None:
            then()

    turn()
