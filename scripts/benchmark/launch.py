"""Servers of one run: start them on loopback, wait until they answer, end all that was started."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from scripts.benchmark import procfs
from scripts.cli.errors import FailedError
from scripts.demo_topology import free_ports

HOST: Final = "127.0.0.1"
READY_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 6.0
_POLL_SECONDS: Final = 0.03
_LOG_TAIL_BYTES: Final = 1500


def free_port() -> int:
    """A port that nobody listens on now, nor gets for a connection until it is used."""
    return free_ports(1)[0]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: what results call it, where it listens, its first process."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    output: Path
    secure: bool = False

    def pids(self) -> list[int]:
        """All processes of the server, now."""
        return procfs.family(self.process.pid)


class Launcher:
    """Starts servers; leaving the context ends them and all they started."""

    def __init__(self, logs: Path, cores: set[int] | None) -> None:
        self._logs = logs
        self._cores = cores
        self._servers: list[Server] = []
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        members = [
            (pid, procfs.started_ticks(pid)) for server in self._servers for pid in server.pids()
        ]
        for server in self._servers:
            server.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for server in self._servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(max(0.05, deadline - time.monotonic()))
        for pid, started in members:
            if started is not None and procfs.started_ticks(pid) == started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for server in self._servers:
            server.process.wait()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        port: int,
        *,
        label: str = "",
        env: Mapping[str, str] | None = None,
        cores: set[int] | None = None,
        secure: bool = False,
    ) -> Server:
        """Start a server on the cores of servers, or on `cores`."""
        cores = cores or self._cores
        output = self._logs / f"{label or name}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
            )
        server = Server(name, port, process, output, secure)
        self._servers.append(server)
        return server


def _connect(server: Server) -> http.client.HTTPConnection:
    if not server.secure:
        return http.client.HTTPConnection(HOST, server.port, timeout=5)
    return http.client.HTTPSConnection(HOST, server.port, timeout=5, context=trusting())


def trusting() -> ssl.SSLContext:
    """For clients: the certificates of a run are made for it and sign themselves."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def wait_until_it_answers(server: Server, path: str, status: int = 200) -> None:
    """Wait for an answer with `status`. Raises FailedError with what the server wrote."""
    deadline = time.monotonic() + READY_SECONDS
    seen = "nothing"
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            connection = _connect(server)
            connection.request("HEAD", path, headers={"Connection": "close"})
            answer = connection.getresponse().status
            connection.close()
            if answer == status:
                return
            seen = str(answer)
        except (OSError, http.client.HTTPException) as error:
            seen = str(error) or type(error).__name__
        time.sleep(_POLL_SECONDS)
    code = server.process.poll()
    state = "still runs" if code is None else f"ended with {code}"
    tail = server.output.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
    raise FailedError(
        f"{server.name} {state} and does not answer {path} with {status} (last: {seen});"
        f" it wrote:\n{tail}"
    )
