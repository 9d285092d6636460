"""Real processes in tests: start, read a line, look at memory, end. Nothing here outlives a test.

Waiting is always for something the process says or does, with a limit, never for an amount of
time; what it wrote is part of every complaint.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_SECONDS = 0.02


class Running:
    """A process whose standard output is read line by line. Leaving the context ends it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=self._read_stdout, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.stdout.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        self.stderr.extend(line.rstrip("\n") for line in self.process.stderr)

    def line(self, timeout_seconds: float = 60) -> str:
        """The next line of standard output. Fails when the process ends or takes too long."""
        try:
            line = self._lines.get(timeout=timeout_seconds)
        except queue.Empty:
            raise AssertionError(f"no line in {timeout_seconds:g} s; {self._said()}") from None
        if line is None:
            raise AssertionError(f"ended with {self.process.wait()}; {self._said()}")
        return line

    def ask_to_stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    def end(self, timeout_seconds: float = 20) -> int:
        """Wait for the end; the exit code. Fails when it takes too long."""
        try:
            code = self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still runs after {timeout_seconds:g} s; {self._said()}"
            ) from None
        for reader in self._readers:
            reader.join(5)
        return code

    def _said(self) -> str:
        return "stderr: " + "\n".join(self.stderr[-30:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.ask_to_stop()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        for reader in self._readers:
            reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def wait_until(claim: Callable[[], bool], what: str, timeout_seconds: float = 10) -> float:
    """Wait until `claim` holds; the seconds it took. Fails with `what` when it never does."""
    began = time.monotonic()
    while not claim():
        waited = time.monotonic() - began
        assert waited < timeout_seconds, f"after {waited:.1f} s still not so: {what}"
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def is_running(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def peak_memory_bytes(pid: int) -> int:
    """The largest resident set a process has had (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    raise AssertionError(f"process {pid} tells no VmHWM")
