"""An answer that ends with its viewer's token, where the token says so.

Bodies hand out a block at a time at most, so what is on its way ends within one block. The rest
of such an answer is never sent, and a connection that broke is all that says so (RFC 9112 8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.body import Body, Progress

if TYPE_CHECKING:
    from edge.connection import Connection


class EndingBody:
    """The bytes of `body` until `ends_at`, in seconds of the epoch as `now` tells them."""

    __slots__ = ("_body", "_ends_at", "_now")

    def __init__(self, body: Body, ends_at: float, now: Callable[[], float]) -> None:
        self._body = body
        self._ends_at = ends_at
        self._now = now

    def begin(self, connection: Connection) -> None:
        self._body.begin(connection)
        self._stand_in(connection)

    def advance(self, connection: Connection) -> Progress:
        progress = self._body.advance(connection)
        self._stand_in(connection)
        if progress is not Progress.DONE and self._now() >= self._ends_at:
            return Progress.BROKEN
        return progress

    def close(self) -> None:
        self._body.close()

    def _stand_in(self, connection: Connection) -> None:
        """Whoever waits for bytes for the body within is to wake this one."""
        reader = connection.reader
        if reader is not None and reader.body is self._body:
            reader.body = self
