"""The sockets by which the workers of a box reach each other, made before they are forked.

They stay open in the parent: a connection made while a worker is being started again waits for it.
Who may open the directory may ask for anything without a token, so only this user may.
"""

from __future__ import annotations

import mmap
import os
import shutil
import socket
import tempfile
from typing import Final

from edge.box.abreast import cells_for

_BACKLOG: Final = 4096


class Sockets:
    """For each worker one that takes messages and one that takes requests."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        shared = mmap.mmap(-1, 8 * cells_for(workers))
        self.given_up = memoryview(shared).cast("Q")
        """What `edge.box.abreast` keeps."""
        self._directory = tempfile.mkdtemp(prefix="cinedge-")
        self._made_by = os.getpid()
        self._talk = [_listen(self.talk_path(number)) for number in range(workers)]
        self._requests = [_listen(self.requests_path(number)) for number in range(workers)]

    def talk_path(self, number: int) -> str:
        """Where a worker takes messages."""
        return f"{self._directory}/talk-{number}"

    def requests_path(self, number: int) -> str:
        """Where a worker takes requests."""
        return f"{self._directory}/requests-{number}"

    def of(self, number: int) -> tuple[socket.socket, socket.socket]:
        """The two listening sockets of a worker, messages first; to be closed by it."""
        return self._talk[number].dup(), self._requests[number].dup()

    def close(self) -> None:
        """End them, and take their directory away if this process made it."""
        for listener in [*self._talk, *self._requests]:
            listener.close()
        if os.getpid() == self._made_by:
            shutil.rmtree(self._directory, ignore_errors=True)


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener
