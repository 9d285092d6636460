"""What a connection sends after a head: bodies that hand out their next bytes when asked.

A body never blocks. The server calls `advance` when the socket can take more; the body either puts
file bytes (`file`, `offset`, `left`) or memory bytes (`head`) on the connection, or says why not.
Bodies made of cached blocks live in `edge.reader`.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from edge.connection import Connection

HIGH_WATER_BYTES: Final = 512 * 1024
"""A producer is asked to pause when this much is queued for a slow reader."""


class Progress(enum.Enum):
    """What `advance` found."""

    READY = "ready"
    WAIT = "wait"
    FULL = "full"
    DONE = "done"
    BROKEN = "broken"


class Body(Protocol):
    """The content of one answer."""

    def begin(self, connection: Connection) -> None:
        """The head is about to leave: bytes at hand may be put behind it."""

    def advance(self, connection: Connection) -> Progress:
        """Offer the next bytes.

        READY: bytes were put on the connection. WAIT: nothing yet, the body calls
        `server.pump` when there is. FULL: the body wrote itself and the socket took no more.
        DONE: all bytes were handed out. BROKEN: the rest cannot be had; the connection must break.
        """

    def close(self) -> None:
        """The answer ended or the connection is gone; called once."""


class StreamBody:
    """Pieces from a producer that may be slower or faster than the reader (pass-through).

    The producer calls `offer`, looks at `is_full` and goes on when `on_room` is called.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_ended",
        "_failed",
        "_pieces",
        "_queued_bytes",
        "closed",
        "on_room",
    )

    def __init__(
        self, connection: Connection, *, chunked: bool, on_room: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._chunked = chunked
        self._pieces: deque[bytes] = deque()
        self._queued_bytes = 0
        self._ended = False
        self._failed = False
        self.on_room = on_room
        self.closed = False

    @property
    def is_cut(self) -> bool:
        """Whether the reader went away before the end."""
        return self.closed and not self._ended

    @property
    def is_full(self) -> bool:
        """Whether the producer should pause."""
        return self._queued_bytes > HIGH_WATER_BYTES

    def offer(self, piece: bytes) -> None:
        """Queue a piece of content."""
        if piece and not self.closed:
            self._queue(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def end(self) -> None:
        """No more pieces: the content is complete."""
        self._ended = True
        if self._chunked and not self.closed:
            self._queue(b"0\r\n\r\n")
        else:
            self._connection.server.pump(self._connection)

    def fail(self) -> None:
        """No more pieces and the content is short: the connection breaks after what was queued."""
        self._failed = True
        self._connection.server.pump(self._connection)

    def begin(self, connection: Connection) -> None:
        """Nothing is at hand before the producer brings it."""

    def advance(self, connection: Connection) -> Progress:
        if self._pieces:
            was_full = self.is_full
            piece = self._pieces.popleft()
            self._queued_bytes -= len(piece)
            connection.head = piece
            if was_full and not self.is_full:
                self.on_room()
            return Progress.READY
        if self._failed:
            return Progress.BROKEN
        return Progress.DONE if self._ended else Progress.WAIT

    def close(self) -> None:
        self.closed = True
        self._pieces.clear()
        self._queued_bytes = 0
        self.on_room()

    def _queue(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._queued_bytes += len(piece)
        self._connection.server.pump(self._connection)
