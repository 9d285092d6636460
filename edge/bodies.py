"""Bodies made of an entry's blocks, for whoever answers from it."""

from __future__ import annotations

from collections.abc import Sequence

from edge.body import Body
from edge.connection import Connection
from edge.entry import Entry
from edge.fill import Fills
from edge.multipart import MultipartBody
from edge.readahead import next_session
from edge.reader import Reader


class Bodies:
    """Makes readers over one worker's fills, with at most `ahead_max` blocks ahead of each."""

    def __init__(self, fills: Fills, ahead_max: int) -> None:
        self._fills = fills
        self.ahead_max = ahead_max

    def part(self, connection: Connection, entry: Entry, start: int, stop: int) -> Reader:
        """Bytes [start, stop)."""
        if connection.neighbour or connection.inner:
            # Another worker or edge has asked for what its reader will want: nothing more.
            return Reader(connection, entry, start, stop, 0, self._fills)
        previous = connection.reader
        session = next_session(
            None if previous is None or previous.entry is not entry else previous.session,
            start,
            stop,
            entry.block_bytes,
            self.ahead_max,
            is_late=not entry.has(start // entry.block_bytes),
            now=connection.server.loop.time(),
        )
        ahead = 0 if session.wait_seconds else session.ahead
        reader = Reader(connection, entry, start, stop, ahead, self._fills)
        reader.session = session
        if session.wait_seconds:
            reader.look_ahead_in(session.wait_seconds, session.ahead)
        return reader

    def parts(
        self,
        connection: Connection,
        entry: Entry,
        segments: Sequence[bytes | tuple[int, int]],
    ) -> Body:
        """Literal bytes and intervals of the entry, in order."""
        return MultipartBody(connection, entry, segments, self._fills)
