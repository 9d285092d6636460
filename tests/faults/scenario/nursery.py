"""Starts processes of the product in milliseconds: one process imports everything and forks.

    {"words": ["edge", "--topology", …], "log": PATH, "clock": PATH, "planted": NAME,
     "disk": DIRECTORY, "slowness": PATH}

on standard input, a line each, is answered with the child's process id. A child leads a process
group of its own and runs the `cinedge` command as a shell would have; with `planted` it first
plants a bug (`tests.faults.planted`). Its wall clock is that of the machine plus the seconds that
lie in the file `clock`, and calls to what lies in `disk` take longer by those in `slowness`
(`tests.faults.scenario.slowness`). The nursery ends with its input, and with it everything it
started.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from tests.faults.scenario.slowness import SlowCalls

_PR_SET_PDEATHSIG: Final = 1
_MODULES: Final = (
    *("origin.app", "edge.app", "geo_router.app"),
    *("scripts.cli.main", "scripts.cli.origin", "scripts.cli.edge", "scripts.cli.router"),
)
NUMBER: Final = struct.Struct("d")


class JumpingClock:
    """`time.time`, moved by what a file says. Without a file it is the machine's."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self._offset: mmap.mmap | None = None

    def __call__(self) -> float:
        offset = 0.0 if self._offset is None else NUMBER.unpack_from(self._offset)[0]
        return self._real() + offset

    def follow(self, path: str) -> None:
        """Take the seconds in this file from now on."""
        with open(path, "rb") as file:
            self._offset = mmap.mmap(file.fileno(), NUMBER.size, access=mmap.ACCESS_READ)


def main() -> int:
    """Serve until the input ends."""
    clock = JumpingClock(time.time)
    time.time = clock
    slow = SlowCalls()
    slow.install()
    for name in _MODULES:
        importlib.import_module(name)
    _say("ready")
    children: set[int] = set()
    for line in sys.stdin:
        children -= _reaped(children)
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line), clock, slow)
        children.add(pid)
        _say(str(pid))
    for pid in children - _reaped(children):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return 0


def _say(word: str) -> None:
    print(word, flush=True)


def _reaped(children: set[int]) -> set[int]:
    """Children that have ended; until they are asked for here, their ids are nobody else's."""
    return {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}


def _live(order: dict[str, Any], clock: JumpingClock, slow: SlowCalls) -> None:
    """A child's life; it never comes back."""
    status = 1
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        clock.follow(order["clock"])
        slow.follow(order["slowness"], order["disk"])
        if order.get("planted"):
            importlib.import_module(f"tests.faults.planted.{order['planted']}").plant()
        command = importlib.import_module("scripts.cli.main")
        status = command.main(order["words"])
    except BaseException as error:
        print(f"cannot go on: {error!r}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
