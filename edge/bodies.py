"""Bodies made of an entry's blocks, for whoever answers from it."""

from __future__ import annotations

from collections.abc import Sequence

from edge.body import Body
from edge.connection import Connection
from edge.entry import Entry
from edge.fill import Fills
from edge.multipart import MultipartBody
from edge.reader import Reader


class Bodies:
    """Makes readers over one worker's fills. `ahead` blocks are read ahead of each."""

    def __init__(self, fills: Fills, ahead: int) -> None:
        self._fills = fills
        self._ahead = ahead

    def part(self, connection: Connection, entry: Entry, start: int, stop: int) -> Body:
        """Bytes [start, stop)."""
        return Reader(connection, entry, start, stop, self._ahead, self._fills)

    def parts(
        self,
        connection: Connection,
        entry: Entry,
        segments: Sequence[bytes | tuple[int, int]],
    ) -> Body:
        """Literal bytes and intervals of the entry, in order."""
        return MultipartBody(connection, entry, segments, self._fills)
