"""Several workers on one box: started by fork, started again when one dies, stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

import structlog

from config.topology import MIB, EdgeNode

_PAUSE_SECONDS_MAX: Final = 5.0
_SHARE_BYTES_MIN: Final = 16 * MIB

_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_PASSED_ON: Final = signal.SIGHUP

_log = structlog.get_logger("edge.workers")


def worker_node(node: EdgeNode, number: int) -> EdgeNode:
    """What worker `number` is told: its share of the bytes of each disk."""
    disks = tuple(
        replace(disk, size_bytes=max(disk.size_bytes // node.workers, _SHARE_BYTES_MIN))
        for disk in node.disks
    )
    if number:
        return replace(node, disks=disks, admin=None, admin_tls=None)
    return replace(node, disks=disks)


def supervise(
    node: EdgeNode,
    run_worker: Callable[[EdgeNode, int], int],
    has_served: Callable[[int], bool],
) -> int:
    """Run `node.workers` children until told to stop; the worst of their exit statuses.

    A child that dies is started again after a pause that grows with each death. When one never
    came so far as to serve, the next would not either: all end.
    """
    children: dict[int, int] = {}
    stopping = False

    def stop(number: int = 0, frame: object = None) -> None:
        nonlocal stopping
        stopping = True
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def pass_on(number: int, frame: object) -> None:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def start(number: int) -> None:
        # Signals wait: a child the handler does not know of yet would never be told to stop.
        signal.pthread_sigmask(signal.SIG_BLOCK, (*_STOPS, _PASSED_ON))
        try:
            if not stopping:
                children[_fork(lambda: run_worker(worker_node(node, number), number))] = number
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_STOPS, _PASSED_ON))

    for wanted in _STOPS:
        signal.signal(wanted, stop)
    signal.signal(_PASSED_ON, pass_on)
    for number in range(node.workers):
        start(number)
    pause_seconds = 0.1
    status = 0
    while children:
        pid, result = os.wait()
        number = children.pop(pid)
        code = os.waitstatus_to_exitcode(result)
        if code > 0 and not stopping and not has_served(number):
            _log.error("worker cannot start: the edge ends", worker=number, status=code)
            stop()
            status = 1
        if stopping:
            # One that was told to stop before it knew how to has stopped all the same.
            status = max(status, 0 if code == -signal.SIGTERM else abs(code))
            continue
        _log.error("worker died", worker=number, status=code)
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, _PAUSE_SECONDS_MAX)
        start(number)
    return status


def _fork(run: Callable[[], int]) -> int:
    """Run a function in a child, which never comes back; the child's process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for wanted in _STOPS:
            signal.signal(wanted, signal.SIG_DFL)
        # One that comes before the worker knows what to do would end it.
        signal.signal(_PASSED_ON, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_STOPS, _PASSED_ON))
        status = run()
    except Exception:
        _log.exception("worker failed")
    finally:
        os._exit(status)


async def until_stopped(stop: Coroutine[Any, Any, object], loaded: asyncio.Future[bool]) -> None:
    """Serve until told to stop. Raises what loading fails with: nobody knows what is held then."""
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop)
    try:
        await asyncio.wait([stopping, loaded], return_when=asyncio.FIRST_COMPLETED)
        if loaded.done():
            loaded.result()
        await stopping
    finally:
        stopping.cancel()


async def until_started_or_stopped(
    life: Coroutine[Any, Any, None], started: asyncio.Event, stop: Coroutine[Any, Any, None]
) -> None:
    """Live a worker's life, given up when it is told to stop before it has `started`.

    It may be waiting for a worker that nobody will start again.
    """
    living, stopping = asyncio.ensure_future(life), asyncio.ensure_future(stop)
    await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not (started.is_set() or living.done()):
        living.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await living
    stopping.cancel()
