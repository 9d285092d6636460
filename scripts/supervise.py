"""Keep a handful of processes running: start, restart with back-off, stop.

Each process leads its own group, so Ctrl-C in a terminal reaches only the supervisor, which then
stops all of them, and one that does not go when asked is killed with everything it started. One
that dies is started again, later each time; one that dies at once, again and again, ends the
whole, because its log says more than another try would. One that is on trial stays ended: whoever
started it sees that it has, and decides.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cdnkit.errors import UnavailableError

QUICK_DEATH_SECONDS = 10.0
QUICK_DEATHS_MAX = 4
FIRST_DELAY_SECONDS = 0.5
LOG_TAIL_LINES = 12

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Patience:
    """What a process' deaths so far mean: how long to wait, or that it is hopeless."""

    quick_deaths: int = 0

    def after_death(self, lived_seconds: float) -> Patience:
        """Patience once the process has died again; a long life clears the record."""
        quick = lived_seconds < QUICK_DEATH_SECONDS
        return Patience(self.quick_deaths + 1 if quick else 1)

    @property
    def delay_seconds(self) -> float:
        """Time to wait before the next start."""
        return FIRST_DELAY_SECONDS * 2.0 ** (max(self.quick_deaths, 1) - 1)

    @property
    def is_hopeless(self) -> bool:
        """Whether starting it again is pointless."""
        return self.quick_deaths >= QUICK_DEATHS_MAX


class Supervisor:
    """Processes of one run. Use as an async context manager; leaving it stops them all."""

    def __init__(self, logs: Path, say: Callable[[str], None], grace_seconds: float = 12.0) -> None:
        self._logs = logs
        self._say = say
        self._grace_seconds = grace_seconds
        self.ended: dict[str, str] = {}
        """What was on trial and has ended, with its last words."""
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._commands: dict[str, Sequence[str]] = {}
        self._on_trial: set[str] = set()
        self._hopeless: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Supervisor:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        self._hopeless.cancel()
        await asyncio.gather(*(self._stop(process) for process in self._running.values()))
        self._running.clear()

    def start(self, name: str, command: Sequence[str], *, on_trial: bool = False) -> None:
        """Run `command` until it is stopped; its output goes to `<name>.log`."""
        self.ended.pop(name, None)
        self._commands[name] = command
        if on_trial:
            self._on_trial.add(name)
        keeper = self._keepers[name] = asyncio.create_task(self._keep(name), name=name)
        keeper.add_done_callback(self._note_hopeless)

    def keep(self, name: str, command: Sequence[str]) -> None:
        """The trial of a process is over: from now on it is started again, with `command`."""
        self._on_trial.discard(name)
        self._commands[name] = command
        if name in self.ended:
            self.start(name, command)

    async def stop(self, name: str) -> None:
        """End a process and start it no more; one that does not run is none."""
        self._on_trial.discard(name)
        self.ended.pop(name, None)
        keeper = self._keepers.pop(name, None)
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        process = self._running.pop(name, None)
        if process is not None:
            await self._stop(process)

    def hang_up(self) -> None:
        """Have every process read its files again (SIGHUP)."""
        for process in self._running.values():
            if process.returncode is None:
                process.send_signal(signal.SIGHUP)

    def running(self) -> list[str]:
        """The names of those that run now."""
        return sorted(self._running)

    async def call(self, command: Sequence[str]) -> None:
        """Run `command` to its end. Raises UnavailableError with its words when it fails.

        Cancelled, it takes the command and all that it started along.
        """
        process = await _spawn(command, subprocess.PIPE)
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            await self._stop(process)
            raise
        if process.returncode:
            raise UnavailableError(output.decode(errors="replace").strip())

    def pid(self, name: str) -> int | None:
        """Process id of a process that runs now."""
        process = self._running.get(name)
        return process.pid if process else None

    async def failure(self) -> None:
        """Return never; raise UnavailableError once a process is hopeless."""
        await asyncio.shield(self._hopeless)

    def log_path(self, name: str) -> Path:
        """Where the output of a process goes."""
        return self._logs / f"{name}.log"

    def _note_hopeless(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and keeper.exception() and not self._hopeless.done():
            self._hopeless.set_exception(keeper.exception() or UnavailableError("hopeless"))

    async def _keep(self, name: str) -> None:
        patience = Patience()
        while True:
            began = time.monotonic()
            status = await self._run_once(name, self._commands[name])
            if name in self._on_trial:
                tail = log_tail(self.log_path(name))
                self.ended[name] = f"{describe_status(status)}:\n{tail}"
                return
            patience = patience.after_death(time.monotonic() - began)
            ending = describe_status(status)
            if patience.is_hopeless:
                tail = log_tail(self.log_path(name))
                raise UnavailableError(f"{name} {ending} {QUICK_DEATHS_MAX} times:\n{tail}")
            self._say(
                f"{name} {ending}; starting it again in {patience.delay_seconds:g} s "
                f"(log: {self.log_path(name)})"
            )
            await asyncio.sleep(patience.delay_seconds)

    async def _run_once(self, name: str, command: Sequence[str]) -> int:
        with self.log_path(name).open("ab") as log:
            process = await _spawn(command, log)
        self._running[name] = process
        status = await process.wait()
        del self._running[name]
        return status

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        _signal_group(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._grace_seconds):
                await process.wait()
        except TimeoutError:
            self._say(f"{process.pid} does not stop when asked; killing it")
            _signal_group(process.pid, signal.SIGKILL)
            await process.wait()


def describe_status(status: int) -> str:
    """How a process ended, in words."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with exit code {status}"


def log_tail(path: Path) -> str:
    """The last lines of a log."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-LOG_TAIL_LINES:])


async def _spawn(command: Sequence[str], log: IO[bytes] | int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )


def _die_with_parent() -> None:
    """Ask the kernel to end this process when the supervisor is killed outright."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
