"""A multipart/byteranges body over cached blocks: literal heads between readers."""

from __future__ import annotations

from collections.abc import Sequence

from edge.body import Progress
from edge.connection import Connection
from edge.entry import Entry
from edge.fill import Fills
from edge.reader import Reader


class MultipartBody:
    """Segments in order: bytes as they are, intervals as blocks of `entry`."""

    __slots__ = ("_connection", "_entry", "_fills", "_next", "_reader", "_segments")

    def __init__(
        self,
        connection: Connection,
        entry: Entry,
        segments: Sequence[bytes | tuple[int, int]],
        fills: Fills,
    ) -> None:
        self._connection = connection
        self._entry = entry
        self._segments = segments
        self._fills = fills
        self._next = 0
        self._reader: Reader | None = None

    def begin(self, connection: Connection) -> None:
        """The first segment is literal and follows by itself."""

    def advance(self, connection: Connection) -> Progress:
        while True:
            if self._reader is not None:
                progress = self._reader.advance(connection)
                if progress is not Progress.DONE:
                    return progress
                self._reader.close()
                self._reader = None
            if self._next == len(self._segments):
                return Progress.DONE
            segment = self._segments[self._next]
            self._next += 1
            if isinstance(segment, bytes):
                connection.head = segment
                return Progress.READY
            start, stop = segment
            self._reader = Reader(connection, self._entry, start, stop, 0, self._fills, self)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
