"""Several processes on one port: the kernel shares connections out between them (SO_REUSEPORT).

The first process only watches. A worker that ends by itself is started again, after a pause that
grows; when told to stop it passes that on and waits for all of them. What a worker does is the
caller's business, and nothing is shared between workers: each has its own view of the fleet.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Final

import structlog

PAUSE_SECONDS_MAX: Final = 10.0
_SETTLED_SECONDS: Final = 30.0

_log = structlog.get_logger("geo_router.workers")


def run_workers(count: int, work: Callable[[], int]) -> int:
    """Run `work` in `count` processes until SIGINT or SIGTERM; one runs in this very process."""
    if count == 1:
        return work()
    return _Watch(work).run(count)


class _Watch:
    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._started: dict[int, float] = {}
        self._stopping = False
        self._pause_seconds = 0.1
        self._status = 0
        self._count = 0
        self._quick_ends = 0

    def run(self, count: int) -> int:
        self._count = count
        kept = {each: signal.signal(each, self._pass_on) for each in _PASSED_ON}
        try:
            for _ in range(count):
                self._start()
            while self._started:
                self._await_one()
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
        return self._status

    def _start(self) -> None:
        pid = os.fork()
        if pid == 0:
            for number in _PASSED_ON:
                signal.signal(number, signal.SIG_DFL)
            status = 1
            try:
                status = self._work()
            finally:
                os._exit(status)
        self._started[pid] = time.monotonic()

    def _await_one(self) -> None:
        try:
            pid, raw = os.wait()
        except InterruptedError:
            return
        started = self._started.pop(pid, None)
        if started is None:
            return
        status = os.waitstatus_to_exitcode(raw)
        if self._stopping:
            self._status = self._status or status
            return
        lived_seconds = time.monotonic() - started
        self._quick_ends = self._quick_ends + 1 if status and lived_seconds < 1.0 else 0
        if self._quick_ends > self._count and not self._has_settled():
            # Not one can start: trying again mends nothing.
            self._status = status
            self._pass_on(signal.SIGTERM, None)
            return
        self._pause_seconds = (
            0.1
            if lived_seconds > _SETTLED_SECONDS
            else min(self._pause_seconds * 2, PAUSE_SECONDS_MAX)
        )
        _log.error("a worker ended", pid=pid, status=status, pause_seconds=self._pause_seconds)
        time.sleep(self._pause_seconds)
        if not self._stopping:
            self._start()

    def _has_settled(self) -> bool:
        now = time.monotonic()
        return any(now - started > 1.0 for started in self._started.values())

    def _pass_on(self, number: int, frame: object) -> None:
        if number != signal.SIGHUP:
            self._stopping = True
        for pid in tuple(self._started):
            os.kill(pid, number)


_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
