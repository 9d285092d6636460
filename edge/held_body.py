"""The rest of an answer from held blocks: what the socket did not take at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.blockfile import BlockFile
from edge.body import Progress

if TYPE_CHECKING:
    from edge.connection import Connection


class HeldBody:
    """Bytes [position, stop) of an entry whose blocks from `start_block` on are `files`.

    It holds the files, so that evicting a block changes nothing for this answer.
    """

    __slots__ = ("_block_bytes", "_files", "_index", "_position", "_stop")

    def __init__(
        self, files: list[BlockFile], block_bytes: int, start_block: int, position: int, stop: int
    ) -> None:
        self._files = files
        self._block_bytes = block_bytes
        self._index = position // block_bytes - start_block
        self._position = position
        self._stop = stop

    def begin(self, connection: Connection) -> None:
        """The head has left already."""

    def advance(self, connection: Connection) -> Progress:
        if self._position >= self._stop:
            return Progress.DONE
        offset = self._position % self._block_bytes
        size = min(self._block_bytes - offset, self._stop - self._position)
        connection.file = self._files[self._index]
        connection.offset, connection.left = offset, size
        self._index += 1
        self._position += size
        return Progress.READY

    def close(self) -> None:
        self._files = []
