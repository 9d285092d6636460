"""Fills: one request to the upstream per run of missing blocks, however many readers wait.

A block on its way is a `Growing`; whoever asks for it meanwhile waits on that. A fill belongs to
nobody's connection: it goes on while any reader (or its read-ahead) has a use for the next block,
and stops at the block after the last one wanted. How a wait can end: the block is held; it could
not be written but its bytes are in memory; it failed, and the first waiter to notice asks again.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from cdnkit.errors import CinedgeError, UpstreamError
from edge.blockfile import BlockFile
from edge.cache.holdings import Holdings
from edge.entry import Entry
from edge.readahead import plan_run, wants_block
from edge.upstream.upstreams import Lent

if TYPE_CHECKING:
    from edge.reader import Reader

UNSAVED_BLOCKS_MAX: Final = 32
"""Whole blocks waiting for the disk before receiving pauses."""
_BUFFERS_KEPT: Final = 32


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
        "memory",
        "owner",
        "received",
        "size",
        "state",
        "waiters",
    )

    def __init__(self, entry: Entry, block: int) -> None:
        self.entry = entry
        self.block = block
        self.size = entry.block_size(block)
        self.received = 0
        self.memory: memoryview | None = None
        self.state = GrowingState.RECEIVING
        self.waiters: set[Reader] = set()
        self.owner: Run | None = None
        self.crowd = 0

    @property
    def is_full(self) -> bool:
        """Whether every byte is in memory."""
        return self.received == self.size


class Run:
    """Sink of one answer: bytes [position, stop) of an entry, cut into blocks.

    `whole` marks an upstream without range support: such an answer is taken to its end.
    """

    def __init__(self, fills: Fills, entry: Entry, start: int, stop: int, whole: bool) -> None:
        self.position = start
        self.stop = stop
        self.lent: Lent | None = None
        self._fills = fills
        self._entry = entry
        self._whole = whole
        self._growing = self._enter(start // entry.block_bytes)

    def view(self) -> memoryview:
        growing = self._growing
        assert growing.memory is not None
        return growing.memory[growing.received :]

    def received(self, size: int) -> bool:
        growing = self._growing
        growing.received += size
        self.position += size
        if not growing.is_full:
            self._fills.grew(growing)
            return True
        self._fills.block_received(growing)
        if self._fills.unsaved > UNSAVED_BLOCKS_MAX and self.lent is not None:
            self._fills.pause_until_saved(self.lent)
        if self.position >= self.stop:
            return True
        if not self._whole and not self._fills.is_wanted(self._entry, growing.block + 1):
            return False
        self._growing = self._enter(growing.block + 1)
        return True

    def _enter(self, block: int) -> Growing:
        growing = self._entry.growing.get(block)
        if growing is None or growing.owner is not None:
            # When it is held already, or another run's, this copy of it goes nowhere.
            growing = Growing(self._entry, block)
            if not self._entry.at_hand(block):
                self._entry.growing[block] = growing
        growing.owner = self
        growing.memory = self._fills.buffer(self._entry, growing.size)
        return growing


class Fills:
    """All fills of a worker. `ask` sends a range request for an entry to its upstream."""

    def __init__(
        self,
        holdings: Holdings,
        ask: Callable[[Entry, int, int], Awaitable[Lent]],
        on_replaced: Callable[[Entry], None],
    ) -> None:
        self.holdings = holdings
        self.unsaved = 0
        self.started_total = 0
        self.failed_total = 0
        self.received_bytes_total = 0
        self._ask = ask
        self._on_replaced = on_replaced
        self._tasks: set[asyncio.Task[None]] = set()
        self._buffers: dict[int, list[bytearray]] = {}
        self._paused: list[Lent] = []
        self._loop = asyncio.get_running_loop()
        self._stirred: set[Growing] = set()

    def want(self, reader: Reader) -> None:
        """See to it that what `reader` needs next is held or on its way."""
        entry = reader.entry
        run = plan_run(entry.at_hand, reader.cursor, reader.stop_block, entry.count, reader.ahead)
        if run is not None and not entry.replaced:
            first, last = run
            for block in range(first, last):
                entry.growing[block] = Growing(entry, block)
            self._start(self._fill(entry, first, last))

    def is_wanted(self, entry: Entry, block: int) -> bool:
        """Does any reader of the entry have a use for the block?"""
        return any(
            wants_block(block, reader.cursor, reader.stop_block, reader.ahead)
            for reader in entry.readers
        )

    async def pour(self, entry: Entry, lent: Lent, start: int, stop: int, whole: bool) -> None:
        """Fill blocks from an answer whose head was read already. Raises UpstreamError."""
        run = Run(self, entry, start, stop, whole)
        run.lent = lent
        first, last = start // entry.block_bytes, -(-stop // entry.block_bytes)
        error: CinedgeError | None = None
        try:
            await lent.connection.pour(run)
        except CinedgeError as failure:
            error = failure
            raise
        finally:
            self.received_bytes_total += run.position - start
            lent.release()
            self._abandon(entry, first, last, error)

    def spawn(self, entry: Entry, lent: Lent, start: int, stop: int, whole: bool) -> None:
        """`pour` in a task of its own; failures reach the readers."""
        self._start(self._quietly(self.pour(entry, lent, start, stop, whole)))

    def store(self, entry: Entry, content: bytes) -> None:
        """Hold content that is in memory already."""
        for block in range(entry.count):
            growing = Growing(entry, block)
            start = block * entry.block_bytes
            growing.memory = self.buffer(entry, growing.size)
            growing.memory[:] = content[start : start + growing.size]
            growing.received = growing.size
            entry.growing[block] = growing
            self.block_received(growing)

    def buffer(self, entry: Entry, size: int) -> memoryview:
        """Memory for a block."""
        kept = self._buffers.get(entry.block_bytes)
        whole = kept.pop() if kept else bytearray(entry.block_bytes)
        return memoryview(whole)[:size]

    def grew(self, growing: Growing) -> None:
        """More bytes of a block came in: readers are pumped once per turn of the loop."""
        if growing.waiters and growing not in self._stirred:
            self._stirred.add(growing)
            self._loop.call_soon(self._stir, growing)

    def block_received(self, growing: Growing) -> None:
        """Every byte is in memory: hand the block to the disk's threads."""
        if growing.entry.growing.get(growing.block) is not growing:
            self._recycle(growing.entry, growing)
            return
        growing.state = GrowingState.SAVING
        self.unsaved += 1
        entry = growing.entry
        assert growing.memory is not None
        writing = self._loop.run_in_executor(
            entry.disk.threads,
            entry.disk.write_block,
            entry.object_id,
            entry.version,
            growing.block,
            growing.memory,
        )
        writing.add_done_callback(lambda done: self._saved(growing, done))
        self.grew(growing)

    def pause_until_saved(self, lent: Lent) -> None:
        """The disk is behind: stop receiving until it has caught up."""
        lent.connection.pause()
        self._paused.append(lent)

    async def close(self) -> None:
        """End all fills."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _start(self, fill: Awaitable[None]) -> None:
        task = asyncio.ensure_future(fill)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, entry: Entry, first: int, last: int) -> None:
        self.started_total += 1
        start = first * entry.block_bytes
        stop = min(last * entry.block_bytes, entry.size_bytes)
        try:
            lent = await self._ask(entry, start, stop)
        except CinedgeError as error:
            self._abandon(entry, first, last, error)
            return
        except BaseException:
            self._abandon(entry, first, last, UpstreamError("the fill was cancelled"))
            raise
        whole = lent.head.status == 200
        await self._quietly(
            self.pour(
                entry, lent, 0 if whole else start, entry.size_bytes if whole else stop, whole
            )
        )

    async def _quietly(self, pouring: Awaitable[None]) -> None:
        try:
            await pouring
        except CinedgeError:
            self.failed_total += 1

    def _abandon(self, entry: Entry, first: int, last: int, error: CinedgeError | None) -> None:
        """Blocks of a run that ended before it reached them: their waiters ask again."""
        for block in range(first, last):
            growing = entry.growing.get(block)
            if growing is not None and growing.state is GrowingState.RECEIVING:
                del entry.growing[block]
                growing.state = GrowingState.FAILED
                self.grew(growing)
        if isinstance(error, VersionChangedError):
            entry.replaced = True
            self._on_replaced(entry)

    def _saved(self, growing: Growing, done: asyncio.Future[BlockFile]) -> None:
        self.unsaved -= 1
        entry = growing.entry
        if entry.growing.get(growing.block) is growing:
            del entry.growing[growing.block]
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            growing.state = GrowingState.UNSAVED
            self.holdings.disk_failed(entry.disk, error)
        elif entry.replaced or not self.holdings.admit(entry, growing.block, done.result()):
            growing.state = GrowingState.UNSAVED
        else:
            growing.state = GrowingState.SAVED
            self._recycle(entry, growing)
        self.grew(growing)
        if self._paused and self.unsaved <= UNSAVED_BLOCKS_MAX // 2:
            paused, self._paused = self._paused, []
            for lent in paused:
                lent.connection.resume()

    def _recycle(self, entry: Entry, growing: Growing) -> None:
        memory, growing.memory = growing.memory, None
        if memory is not None:
            kept = self._buffers.setdefault(entry.block_bytes, [])
            if len(kept) < _BUFFERS_KEPT:
                whole = memory.obj
                assert isinstance(whole, bytearray)
                kept.append(whole)

    def _stir(self, growing: Growing) -> None:
        self._stirred.discard(growing)
        waiters, growing.waiters = growing.waiters, set()
        growing.crowd = len(waiters)
        for reader in waiters:
            connection = reader.connection
            if connection.body is reader.body:
                connection.server.pump(connection)


class VersionChangedError(UpstreamError):
    """The upstream's validator is not the one of the blocks held: bytes must not be combined."""

    code = "version-changed"
    retryable = False
