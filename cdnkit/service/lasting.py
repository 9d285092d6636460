"""Tasks that last as long as their process, and what becomes of them when they fail.

Such a task bears the troubles of the world by itself; what it raises all the same is a mistake of
ours, which nobody waits for and which would end it in silence. So it is logged with its traceback,
and the task begins anew: at once nearly, and later each time while it fails again and again. A
process goes on, because viewers are served all the same; one that cannot go on without a task
awaits that task itself and ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

FIRST_PAUSE_SECONDS: Final = 1.0
PAUSE_SECONDS_MAX: Final = 60.0
GOOD_LIFE_SECONDS: Final = 120.0
"""After so long a failure is a new one, not the same again."""

Work = Callable[[], Coroutine[Any, Any, None]]
Pause = Callable[[float], Awaitable[None]]

_log = structlog.get_logger("cdnkit.lasting")


def pause_seconds(failures: int) -> float:
    """How long to wait after the latest of so many failures in a row."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16), PAUSE_SECONDS_MAX)


async def lasting(
    name: str,
    work: Work,
    *,
    pause_seconds_max: float = PAUSE_SECONDS_MAX,
    pause: Pause = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Do `work` until it returns or this is cancelled; begin it anew whenever it raises.

    Whoever does something every second, such as enforcing limits of time, gives that second as
    `pause_seconds_max`.
    """
    failures = 0
    while True:
        began_at = clock()
        try:
            await work()
        except Exception as error:
            if is_told_to_end():
                # It was told to, and failed on its way out: nobody would tell it a second time.
                _log.exception("task failed at its end", task=name)
                raise asyncio.CancelledError from error
            failures = 1 if clock() - began_at >= GOOD_LIFE_SECONDS else failures + 1
            seconds = min(pause_seconds(failures), pause_seconds_max)
            _log.exception("task failed and begins anew", task=name, in_seconds=seconds)
            await pause(seconds)
        else:
            return


def is_told_to_end() -> bool:
    """Whether somebody has cancelled the task that runs, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def start_lasting(
    name: str, work: Work, *, pause_seconds_max: float = PAUSE_SECONDS_MAX
) -> asyncio.Task[None]:
    """Do `work` beside everything else, until the task is cancelled."""
    lived = lasting(name, work, pause_seconds_max=pause_seconds_max)
    return asyncio.create_task(lived, name=name)


async def end_tasks(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and return once they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
