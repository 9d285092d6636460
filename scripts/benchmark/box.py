"""A box of several workers to measure: the edge's processes, and connections of which the worker is
known.

The kernel gives a new connection to any worker. Which one has it is read from /proc, so that work
can be asked of one worker and its CPU time be told from the others'.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.topology import Address, CacheDisk, EdgeNode, EdgeSettings, Route, Site, Topology
from edge.app import run_edge
from scripts.benchmark import procfs
from scripts.benchmark.launch import HOST, free_port
from scripts.cli.errors import FailedError

_PATIENCE_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class RunningBox:
    """An edge, by the port it listens on and the process that started its workers."""

    port: int
    parent: int

    @property
    def workers(self) -> list[int]:
        """Process ids, in the order in which the workers were started."""
        children = sorted(procfs.family(self.parent)[1:])
        # A worker that is alone is the edge's first process itself.
        return children or [self.parent]

    def connect(self) -> tuple[int, socket.socket]:
        """A connection that was answered once, and the number of the worker that has it."""
        connection = socket.create_connection((HOST, self.port), timeout=_PATIENCE_SECONDS)
        ask(connection, "/readyz")
        inode = _inode(self.port, connection.getsockname()[1])
        for number, pid in enumerate(self.workers):
            if inode in _sockets(pid):
                return number, connection
        raise FailedError("a connection that no worker has")


def ask(connection: socket.socket, target: str, *lines: str) -> tuple[int, int]:
    """Ask and read the whole answer, of known length: status and bytes of content."""
    head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: box", *lines, "", ""])
    connection.sendall(head.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(1 << 18)
        if not more:
            raise FailedError(f"no answer for {target}")
        data += more
    text, _, content = data.partition(b"\r\n\r\n")
    # A 304 has no content and need not say so.
    length = int(text.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")
    left = length - len(content)
    while left > 0:
        size = len(connection.recv(min(left, 1 << 18)))
        if not size:
            raise FailedError(f"a short answer for {target}")
        left -= size
    return int(text.split(b" ", 2)[1]), length


def is_loading(connection: socket.socket) -> bool:
    """Whether the worker that has this connection still finds what it holds."""
    connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: box\r\n\r\n")
    data = b""
    while not data.endswith(b"}"):
        more = connection.recv(1 << 16)
        if not more:
            raise FailedError("no word on readiness")
        data += more
    return b'"status": "loading"' in data


@contextlib.contextmanager
def running_box(
    cache: Path, size_bytes: int, workers: int, upstream: str, block_bytes: int
) -> Iterator[RunningBox]:
    """An edge of `workers` workers on a cache, in processes of their own."""
    node = EdgeNode(
        name="edge-1",
        site="here",
        listen=Address(HOST, free_port()),
        disks=(CacheDisk(str(cache), size_bytes * workers),),
        workers=workers,
        settings=EdgeSettings(block_bytes=block_bytes, access_log=""),
    )
    route = Route(prefix="/", upstream=(upstream,))
    topology = Topology(sites=(Site("here", 0.0, 0.0),), edges=(node,), routes=(route,))
    child = multiprocessing.get_context("spawn").Process(target=run_edge, args=(node, topology))
    child.start()
    assert child.pid is not None
    try:
        yield RunningBox(node.listen.port, child.pid)
    finally:
        child.terminate()
        child.join()


def wait_for(box: RunningBox, workers: int) -> None:
    """Return when all workers serve and know all that they hold. Raises FailedError."""
    until, met = time.monotonic() + _PATIENCE_SECONDS, set[int]()
    while len(met) < workers:
        if time.monotonic() > until:
            raise FailedError(f"of {workers} workers {len(met)} answer")
        try:
            number, connection = box.connect()
        except (OSError, FailedError):
            time.sleep(_PAUSE_SECONDS)
            continue
        loading = is_loading(connection)
        connection.close()
        if loading:
            time.sleep(_PAUSE_SECONDS)
        elif len(box.workers) == workers:
            met.add(number)


def connections_by_worker(box: RunningBox, workers: int, each: int) -> list[list[socket.socket]]:
    """At least `each` connections to every worker."""
    found: list[list[socket.socket]] = [[] for _ in range(workers)]
    while min(map(len, found)) < each:
        number, connection = box.connect()
        found[number].append(connection)
    return found


def peak_bytes(pids: list[int]) -> int:
    """The sum of the largest resident sets that processes have had (VmHWM)."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/status").read_text()
        total += int(text.partition("VmHWM:")[2].split()[0]) * 1024
    return total


def cpu_nanoseconds(pids: list[int]) -> int:
    """Time on a processor that all threads of processes have had, finer than ticks."""
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += int((thread / "schedstat").read_text().split()[0])
    return total


def _inode(local: int, remote: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(f":{local:04X}") and words[2].endswith(f":{remote:04X}"):
            return f"socket:[{words[9]}]"
    raise FailedError("no such connection")


def _sockets(pid: int) -> set[str]:
    names = set[str]()
    for each in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            names.add(os.readlink(f"/proc/{pid}/fd/{each}"))
    return names
