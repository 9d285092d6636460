"""A block between being asked for and being held: how much of it is here, and who waits."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from edge.block_memory import BlockMemory
from edge.turns import in_slices

__all__ = ["BlockMemory", "Growing", "GrowingState"]

if TYPE_CHECKING:
    from edge.entry import Entry
    from edge.fill import Run
    from edge.reader import Reader


class GrowingState(enum.Enum):
    """What is true of a block on its way."""

    RECEIVING = "receiving"
    SAVING = "saving"
    SAVED = "saved"
    UNSAVED = "unsaved"
    FAILED = "failed"


class Growing:
    """One block between being asked for and being held."""

    __slots__ = (
        "block",
        "crowd",
        "entry",
        "is_kept",
        "memory",
        "owner",
        "received",
        "size",
        "state",
        "waiters",
        "was_read",
    )

    def __init__(self, entry: Entry, block: int, is_kept: bool = True) -> None:
        self.entry = entry
        self.block = block
        self.size = entry.block_size(block)
        self.received = 0
        self.memory: memoryview | None = None
        self.state = GrowingState.RECEIVING
        self.waiters: set[Reader] = set()
        self.owner: Run | None = None
        self.crowd = 0
        self.is_kept = is_kept
        self.was_read = False

    @property
    def is_full(self) -> bool:
        """Whether every byte is in memory."""
        return self.received == self.size

    def take(self, memory: BlockMemory) -> memoryview:
        """Have memory for all of its bytes."""
        self.memory = memory.take(self.entry.block_bytes)[: self.size]
        return self.memory

    def give(self, memory: BlockMemory) -> None:
        """Nobody reads it from memory any more."""
        taken, self.memory = self.memory, None
        if taken is not None:
            memory.give(taken)

    def pump(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have those who wait look again."""
        waiters, self.waiters = self.waiters, set()
        self.crowd = len(waiters)
        in_slices(loop, waiters, _pump)


def _pump(reader: Reader) -> None:
    connection = reader.connection
    if connection.body is reader.body:
        connection.server.pump(connection)
