"""Tasks on a disk's threads, in the order of submission for each file.

The threads run side by side, so that an unlink may overtake the write after it. Tasks submitted
under one name do not: each waits for the one before. Threads take tasks in the order they came,
so the one before is at least running by then and the wait is short.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Final, TypeVar

_SWEPT_NAMES: Final = 256

Result = TypeVar("Result")


class OrderedTasks:
    """Remembers the last task of every name; `submit` belongs to one thread."""

    def __init__(self) -> None:
        # Only the turns are remembered: a task's result may be an open file.
        self._last: dict[str, Future[None]] = {}
        self._sweep_at = _SWEPT_NAMES

    def submit(
        self, threads: Executor, name: str, function: Callable[[], Result]
    ) -> Future[Result]:
        """Run `function` after whatever was submitted under `name` before.

        The future fails with RuntimeError when the threads have ended.
        """
        before, turn = self._last.get(name), Future[None]()

        def run() -> Result:
            try:
                if before is not None:
                    before.result()
                return function()
            finally:
                turn.set_result(None)

        try:
            task = threads.submit(run)
        except RuntimeError as error:
            task = Future()
            task.set_exception(error)
            return task
        if len(self._last) >= self._sweep_at:
            self._last = {name: turn for name, turn in self._last.items() if not turn.done()}
            self._sweep_at = max(_SWEPT_NAMES, 2 * len(self._last))
        self._last[name] = turn
        return task
