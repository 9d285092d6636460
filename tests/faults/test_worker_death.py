"""One worker of a box dies in mid film: viewers at the others see nothing of it, and it comes back.

Real processes: an edge of four workers before one origin. The film that viewers read is owned by
the worker that is killed, and no more than its beginning is there when that happens.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from config.topology import KIB, MIB
from edge.cache.shelves import owner_of
from edge.entry import name_of
from scripts.benchmark.box import RunningBox, wait_for
from scripts.benchmark.launch import free_port
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.film_origin import FilmOrigin, film_bytes
from tests.helpers.film_server import Served, served
from tests.helpers.processes import Running, wait_until

WORKERS: Final = 4
SIZE: Final = 8 * MIB
VIEWERS: Final = 24
READ_BEFORE: Final = 2 * MIB
DIGEST: Final = hashlib.sha256(film_bytes(1, 0, SIZE)).hexdigest()


def owned_by(number: int, place: int = 0) -> str:
    """A film of one worker, the first or a later one."""
    names = (f"/film-{count}.mp4" for count in range(1000))
    return [each for each in names if owner_of(name_of(each.encode()), WORKERS) == number][place]


@dataclass(slots=True)
class Viewer:
    """One connection, and to which worker the kernel gave it."""

    socket: socket.socket
    worker: int
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    left_bytes: int = SIZE

    def ask(self, path: str) -> None:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: edge\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.socket.recv(1)
        assert head.startswith(b"HTTP/1.1 200 "), head

    def read(self, until_left: int) -> None:
        """Read on until so many bytes are left; raises OSError, EOFError."""
        while self.left_bytes > until_left:
            data = self.socket.recv(min(self.left_bytes - until_left, 256 * KIB))
            if not data:
                raise EOFError
            self.digest.update(data)
            self.left_bytes -= len(data)


@dataclass(frozen=True, slots=True)
class Box:
    """A running edge and what is behind it."""

    edge: RunningBox
    film: FilmOrigin
    origin: Served


@contextmanager
def edge_of_four(directory: Path) -> Iterator[Box]:
    film, port = FilmOrigin(SIZE, MIB), free_port()
    with ExitStack() as stack:
        origin = stack.enter_context(served(film))
        words = [*CINEDGE, "edge", "--listen", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
        words += ["--pull", f"http://127.0.0.1:{origin.port}", "--access-log", ""]
        words += ["--cache", str(directory / "cache")]
        running = stack.enter_context(Running(words, cwd=ROOT))

        box = Box(RunningBox(port, running.process.pid), film, origin)
        wait_for(box.edge, WORKERS)
        yield box


def connected_viewers(box: Box) -> list[Viewer]:
    connected = [box.edge.connect() for _ in range(VIEWERS)]
    return [Viewer(connection, worker) for worker, connection in connected]


def all_hits(box: Box, path: str) -> bool:
    """Whether the whole film is a hit on each of some connections; the kernel picks the worker."""
    answers = [
        httpx.get(f"http://127.0.0.1:{box.edge.port}{path}", timeout=30) for _ in range(2 * WORKERS)
    ]
    assert {hashlib.sha256(each.content).hexdigest() for each in answers} == {DIGEST}
    return all("; hit" in each.headers["Cache-Status"] for each in answers)


@pytest.mark.parametrize("held_at", [4 * MIB, None])
def test_viewers_at_other_workers_get_every_byte_when_one_dies(
    tmp_path: Path, held_at: int | None
) -> None:
    """`held_at`: how far the origin has sent the film when its owner dies; None is all of it."""
    with edge_of_four(tmp_path) as box:
        victim, path = 2, owned_by(2)
        dead = box.edge.workers[victim]
        release = asyncio.Event()
        if held_at is not None:
            box.film.holds[held_at] = release
        viewers = connected_viewers(box)
        staying = [each for each in viewers if each.worker != victim]
        leaving = [each for each in viewers if each.worker == victim]
        assert staying
        with ThreadPoolExecutor(VIEWERS) as threads:

            def begin(viewer: Viewer) -> None:
                viewer.ask(path)
                viewer.read(SIZE - READ_BEFORE)

            list(threads.map(begin, viewers))
            os.kill(dead, signal.SIGKILL)
            box.origin.release(release)
            reading: list[Future[None]] = [threads.submit(each.read, 0) for each in staying]
            lost = [threads.submit(each.read, 0) for each in leaving]
            for each in reading:
                each.result(60)
            for each in lost:
                # Cut or whole, what came is never wrong, and nobody waits for ever.
                assert isinstance(each.exception(60), OSError | EOFError | None)
        assert {each.digest.hexdigest() for each in staying} == {DIGEST}
        assert {each.digest.hexdigest() for each in leaving if not each.left_bytes} <= {DIGEST}
        wait_until(
            lambda: len(box.edge.workers) == WORKERS and dead not in box.edge.workers,
            "it is back",
            30,
        )
        for viewer in viewers:
            viewer.socket.close()
        wait_until(lambda: all_hits(box, path), "every worker serves it from the cache", 30)
        assert all_hits(box, owned_by(2, 1)) is False
        wait_until(lambda: all_hits(box, owned_by(2, 1)), "what it owns is kept again", 30)
