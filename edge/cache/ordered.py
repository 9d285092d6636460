"""Tasks on a disk's threads, in the order of submission for each file.

The threads run side by side, so that an unlink may overtake the write after it. Tasks submitted
under one name do not: each waits for the one before, on the same threads. Threads take tasks in
the order they came, so the one before is at least running by then and the wait is short.
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
        self._last: dict[str, tuple[Executor, Future[None]]] = {}
        self._sweep_at = _SWEPT_NAMES

    def submit(
        self, threads: Executor, name: str, function: Callable[[], Result]
    ) -> Future[Result]:
        """Run `function` after whatever was submitted under `name` before.

        What is not done yet of that keeps its threads, for this one too: no thread waits for what
        is queued elsewhere. The future fails with RuntimeError when the threads have ended.
        """
        last, turn = self._last.get(name), Future[None]()
        before = None if last is None or last[1].done() else last[1]
        if last is not None and before is not None:
            threads = last[0]

        def run() -> Result:
            try:
                if before is not None:
                    before.result()
                return function()
            finally:
                turn.set_result(None)

        def given_up(task: Future[Result]) -> None:
            if task.cancelled() and before is not None:
                before.add_done_callback(lambda _: turn.set_result(None))
            elif task.cancelled():
                turn.set_result(None)

        try:
            task = threads.submit(run)
        except RuntimeError as error:
            task = Future()
            task.set_exception(error)
            return task
        if len(self._last) >= self._sweep_at:
            self._last = {name: each for name, each in self._last.items() if not each[1].done()}
            self._sweep_at = max(_SWEPT_NAMES, 2 * len(self._last))
        self._last[name] = threads, turn
        task.add_done_callback(given_up)
        return task
