"""An edge that, right after a seek, sends from the block before the one that was meant."""

from __future__ import annotations

from edge.blockfile import BlockFile
from edge.reader import Reader
from tests.faults.planted import swap

STORY = "replaced-under-readers"


def plant() -> None:
    def held(self: Reader) -> BlockFile | None:
        block = self.position // self.entry.block_bytes
        is_seek = self.position == self.start and block > 0
        return self._fills.holdings.open_block(self.entry, block - is_seek)

    swap(Reader, "_held", held)
