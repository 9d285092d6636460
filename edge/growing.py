"""A block between being asked for and being held: how much of it is here, and who waits."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Final
from weakref import ref

from edge.block_memory import BlockMemory
from edge.portions import CROWD, PATIENCE_SECONDS
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


_ON_ITS_WAY: Final = (GrowingState.RECEIVING, GrowingState.SAVING)


class Growing:
    """One block between being asked for and being held.

    `waiters` look again whenever something comes; the `patient`, while they are a crowd, once the
    block's file is there or their bytes have waited too long. What lies before `overdue` has.
    """

    __slots__ = (
        "__weakref__",
        "_is_reminded",
        "block",
        "crowd",
        "entry",
        "is_kept",
        "memory",
        "overdue",
        "owner",
        "patient",
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
        self.patient: set[Reader] = set()
        self.overdue = 0
        self._is_reminded = False
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

    @property
    def is_awaited(self) -> bool:
        """Whether anybody has a use for news of it."""
        return bool(self.waiters or self.patient)

    @property
    def crowd_now(self) -> int:
        """How many wait for it, or did when it last grew; 0 when it has not grown for anybody."""
        return max(self.crowd, len(self.waiters) + len(self.patient))

    def wait(self, reader: Reader, is_patient: bool) -> None:
        """Have a reader pumped when it is time."""
        (self.patient if is_patient else self.waiters).add(reader)

    def leave(self, reader: Reader) -> None:
        """A reader waits no more."""
        self.waiters.discard(reader)
        self.patient.discard(reader)

    def pump(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have those look again for whom it is time."""
        waiters, self.waiters = self.waiters, set()
        self.crowd = len(waiters) + len(self.patient)
        if self.state in _ON_ITS_WAY and self.crowd >= CROWD:
            if self.patient:
                self.remind(loop)
        else:
            waiters |= self._hurried()
        in_slices(loop, waiters, _pump)

    def remind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bytes at hand wait for more, or for the file: they are overdue before long."""
        if not self._is_reminded and self.state in _ON_ITS_WAY:
            self._is_reminded = True
            # Weakly: a block that failed meanwhile would stay, and its memory with it.
            loop.call_later(PATIENCE_SECONDS, _remind, ref(self), loop)

    def look_after(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is at hand has waited long enough: whoever waits has a use for it now."""
        self._is_reminded = False
        if self.state not in _ON_ITS_WAY or not self.is_awaited:
            return
        self.overdue = self.received
        self.waiters |= self._hurried()
        self.pump(loop)

    def _hurried(self) -> set[Reader]:
        patient, self.patient = self.patient, set()
        return patient


def _remind(growing: ref[Growing], loop: asyncio.AbstractEventLoop) -> None:
    alive = growing()
    if alive is not None:
        alive.look_after(loop)


def _pump(reader: Reader) -> None:
    connection = reader.connection
    if connection.body is reader.body:
        connection.server.pump(connection)
