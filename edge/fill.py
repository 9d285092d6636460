"""Fills: one request to the upstream per run of missing blocks, however many readers wait.

A block on its way is a `Growing`; whoever asks for it meanwhile waits on that. Each is promised by
one run, which alone fills or fails it. A fill belongs to nobody's connection: it goes on while any
reader (or its read-ahead) has a use for the next block, and stops at the block after the last one
wanted. How a wait can end: the block is held; it could not be written but its bytes are in memory;
it failed, and the first waiter to notice asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cdnkit.errors import CinedgeError, UpstreamError
from cdnkit.service.tracing import CURRENT, step
from edge.cache.holdings import Holdings
from edge.combine import VersionChangedError
from edge.entry import UNVERIFIED, BlockFile, Entry
from edge.growing import BlockMemory, Growing, GrowingState
from edge.parking import Parking
from edge.readahead import plan_run, wants_block
from edge.upstream.lent import Lent

if TYPE_CHECKING:
    from edge.reader import Reader

__all__ = ["Fills", "Growing", "GrowingState", "Run"]

UNSAVED_BYTES_MAX: Final = 32 * 1024 * 1024
"""Whole blocks waiting for the disk before receiving pauses; also what a failing disk may leave in
memory for readers on their way there."""
PASSED_BY_BYTES_MAX: Final = 16 * 1024 * 1024
"""Blocks that the rule would not have, in memory for readers on their way there. What comes beyond
is written like any other, for slow readers are many and memory is not."""
UNREAD_BLOCKS_MAX: Final = 8
"""How far a new entry is filled while the reader that asked for it is not there yet."""
_VERIFIED_AHEAD_BLOCKS: Final = 4
_BLOCKS_MIN: Final = 4


class Run:
    """Sink of one answer: bytes [position, stop) of an entry, cut into blocks.

    `whole` marks an upstream without range support: such an answer is taken to its end.
    """

    def __init__(self, fills: Fills, entry: Entry, start: int, stop: int, whole: bool) -> None:
        self.entry = entry
        self.position = start
        self.stop = stop
        self.whole = whole
        self.ended = False
        self.lent: Lent | None = None
        self._fills = fills
        self._promised: dict[int, Growing] = {}
        self._growing: Growing | None = None
        if entry.loan is not None:
            entry.loan.run = self

    def promise(self, first: int, last: int) -> None:
        """Blocks [first, last) that are not at hand will come from here."""
        for block in range(first, last):
            if not self.entry.at_hand(block):
                growing = Growing(self.entry, block, self._fills.is_kept(self.entry, block))
                growing.owner = self
                self.entry.growing[block] = self._promised[block] = growing

    def extend(self, first: int, last: int) -> bool:
        """Promise more blocks, if this answer goes that far."""
        stop_block = -(-self.stop // self.entry.block_bytes)
        if self.ended or first >= stop_block or first * self.entry.block_bytes < self.position:
            return False
        is_next = first * self.entry.block_bytes == self.position
        is_parked = is_next and self._fills.parking.forget(self)
        self.promise(first, min(last, stop_block))
        if is_next and self._growing not in (None, self._promised.get(first)):
            # It was held when this came to it, and is no longer: what comes goes somewhere now.
            self._growing.give(self._fills.memory)
            self._enter(first)
        if is_parked and self.lent is not None:
            self._enter(first)
            self.lent.connection.resume()
        return True

    def begin(self) -> None:
        """The answer's content is about to come."""
        if self.position < self.stop:
            self._enter(self.position // self.entry.block_bytes)

    def fail(self) -> None:
        """Nothing more comes: who waits for a block promised here has to ask again."""
        self.ended = True
        self._fills.parking.forget(self)
        # With its owner a block that did not come to its end is a cycle, which holds its memory.
        self._growing = None
        promised, self._promised = self._promised, {}
        for block, growing in promised.items():
            del self.entry.growing[block]
            growing.state = GrowingState.FAILED
            self._fills.grew(growing)

    def view(self) -> memoryview:
        growing = self._growing
        if growing is None or growing.memory is None:
            return memoryview(bytearray(1))
        return growing.memory[growing.received :]

    def received(self, size: int) -> bool:
        growing = self._growing
        if growing is None:
            # More than was announced.
            return False
        growing.received += size
        self.position += size
        if not growing.is_full:
            self._fills.grew(growing)
            return True
        self._growing = None
        promised = self._promised.pop(growing.block, None) is growing
        self._fills.block_received(growing, promised)
        if self.position >= self.stop:
            return True
        if self.lent is not None and self._fills.is_behind(self.entry):
            self._fills.pause_until_saved(self.lent)
        block = growing.block + 1
        if not (self.whole or self._goes_on(block)):
            return self._fills.park(self)
        self._enter(block)
        return True

    def _goes_on(self, block: int) -> bool:
        """Is there a use for the next block, or for what comes behind it?"""
        is_wanted = partial(self._fills.is_wanted, self.entry)
        if is_wanted(block):
            self.promise(block, block + 1)
            if block in self._promised:
                return True
        # The files of another worker's blocks may be here before this copy of their bytes, which
        # goes nowhere then; that worker fills as long as somebody listens.
        return self.entry.loan is not None and any(map(is_wanted, self._promised))

    def _enter(self, block: int) -> None:
        # When it is held already, or another run's, this copy of it goes nowhere.
        growing = self._promised.get(block) or Growing(self.entry, block)
        growing.take(self._fills.memory)
        self._growing = growing


class Fills:
    """All fills of a worker. `ask` sends a range request for an entry to its upstream.

    `filled` is told how much content came of each answer. While an entry is among `beginning` a
    crowd gets its first bytes of it, and nobody more.
    """

    def __init__(
        self,
        holdings: Holdings,
        ask: Callable[[Entry, int, int], Awaitable[Lent]],
        on_replaced: Callable[[Entry], None],
        filled: Callable[[Entry, Lent, int], None] = lambda *_: None,
    ) -> None:
        self.holdings = holdings
        self.unsaved = 0
        self.started_total = 0
        self.failed_total = 0
        self.received_bytes_total = 0
        self.origin_bytes_total = 0
        """Those of them that came from no edge of ours."""
        self._ask = ask
        self._on_replaced = on_replaced
        self._filled = filled
        self._tasks: set[asyncio.Task[None]] = set()
        self.memory = BlockMemory()
        self._paused: list[Lent] = []
        self._saving: set[asyncio.Future[BlockFile]] = set()
        self._homeless: dict[Growing, None] = {}
        self._loop = asyncio.get_running_loop()
        self.parking = Parking(self._loop)
        self._stirred: set[Growing] = set()
        self.beginning: set[Entry] = set()

    def want(self, reader: Reader) -> None:
        """See to it that what `reader` needs next is held or on its way."""
        entry = reader.entry
        entry.was_read = True
        if self._homeless:
            self._let_go(entry)
        growing = entry.growing.get(reader.cursor)
        if growing is not None:
            self._reconsider(growing)
        if UNVERIFIED in entry.present:
            self._verify(entry, reader.cursor, min(reader.stop_block + reader.ahead, entry.count))
        run = plan_run(
            entry.at_hand,
            reader.cursor,
            reader.stop_block,
            entry.count,
            reader.ahead,
            reader.window,
        )
        if run is None:
            return
        first, last = run
        before = entry.growing.get(first - 1)
        going_on = before.owner if before is not None else None
        if entry.loan is not None:
            # Its reader may have overtaken it, in files whose bytes were still to come here.
            going_on = entry.loan.run
        going_on = going_on or self.parking.next_at(entry, first)
        if going_on is not None and going_on.extend(first, last):
            return
        if entry.is_rangeable and not entry.gone:
            start = first * entry.block_bytes
            fill = Run(self, entry, start, min(last * entry.block_bytes, entry.size_bytes), False)
            fill.promise(first, last)
            # In a copy: several fills of a reader may be under way.
            self._start(self._fill(fill), fill, reader.context.copy())

    def left(self, reader: Reader) -> None:
        """A reader has a use for nothing more."""
        entry = reader.entry
        if self._homeless:
            self._let_go(entry)
        self.parking.look(entry)
        if entry.replaced and not entry.readers:
            self.holdings.bury(entry)

    def is_wanted(self, entry: Entry, block: int) -> bool:
        """Does any reader of the entry have a use for the block?"""
        if not entry.was_read:
            return block < UNREAD_BLOCKS_MAX
        return any(
            wants_block(block, reader.cursor, reader.stop_block, reader.ahead, reader.window)
            for reader in entry.readers
        )

    def is_kept(self, entry: Entry, block: int) -> bool:
        """Whether a block that is asked for now is to be written when it comes."""
        return self.holdings.keeping.is_wanted(entry, block)

    def is_behind(self, entry: Entry) -> bool:
        """Are more whole blocks waiting for the disk than should?"""
        return self.unsaved > _blocks_in(UNSAVED_BYTES_MAX, entry)

    def spawn(self, entry: Entry, lent: Lent, start: int, stop: int, whole: bool) -> None:
        """Fill blocks from an answer whose head was read already; failures reach the readers."""
        run = Run(self, entry, start, stop, whole)
        first = start // entry.block_bytes
        run.promise(first, entry.count if whole else min(first + 1, entry.count))
        self._start(self._pour(run, lent), run, copy_context())

    def store(self, entry: Entry, content: bytes) -> None:
        """Hold content that is in memory already."""
        for block in range(entry.count):
            growing = Growing(entry, block, self.is_kept(entry, block))
            start = block * entry.block_bytes
            growing.take(self.memory)[:] = content[start : start + growing.size]
            growing.received = growing.size
            entry.growing[block] = growing
            self.block_received(growing, promised=True)

    def grew(self, growing: Growing) -> None:
        """More bytes of a block came in: readers are pumped once per turn of the loop."""
        if growing.is_awaited and growing not in self._stirred:
            self._stirred.add(growing)
            self._loop.call_soon(self._stir, growing)

    def block_received(self, growing: Growing, promised: bool) -> None:
        """Every byte is in memory: hand the block to the disk's threads."""
        if not promised:
            growing.give(self.memory)
            return
        if not growing.is_kept and len(self._homeless) < _blocks_in(
            PASSED_BY_BYTES_MAX, growing.entry
        ):
            self._pass_by(growing)
            return
        growing.state = GrowingState.SAVING
        self.unsaved += 1
        self.grew(growing)
        # Behind those who wait for it: the disk's thread would take the core from under them.
        self._loop.call_soon(self._save, growing)

    def pause_until_saved(self, lent: Lent) -> None:
        """The disk is behind: stop receiving until it has caught up."""
        lent.connection.pause()
        self._paused.append(lent)

    def park(self, run: Run) -> bool:
        """Nobody wants the next block of a run now; whether its answer is kept for later."""
        if not self.parking.park(run):
            return False
        # Who waits for the disk is woken when that has caught up.
        self._paused = [paused for paused in self._paused if paused is not run.lent]
        return True

    async def close(self) -> None:
        """End all fills; blocks that are whole are still saved."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        # Blocks that came in during this turn of the loop go to the disk at its end.
        await asyncio.sleep(0)
        if self._saving:
            await asyncio.wait(self._saving)

    def _start(self, fill: Coroutine[Any, Any, None], run: Run, context: Context) -> None:
        if context.get(CURRENT) is not None:
            fill = _recorded(fill, run)
        task = self._loop.create_task(fill, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self, run: Run) -> None:
        """Ask for the blocks a run has promised and receive them."""
        self.started_total += 1
        try:
            lent = await self._ask(run.entry, run.position, run.stop)
        except BaseException as error:
            self._give_up(run, error)
            if isinstance(error, CinedgeError):
                return
            raise
        if lent.head.status == 200:
            run.position, run.stop, run.whole = 0, run.entry.size_bytes, True
            run.promise(0, run.entry.count)
        await self._pour(run, lent)

    async def _pour(self, run: Run, lent: Lent) -> None:
        start = run.position
        run.lent = lent
        try:
            run.begin()
            if await lent.connection.pour(run) and run.position < run.stop:
                raise UpstreamError("the upstream's answer is shorter than it said")
        except BaseException as error:
            self._give_up(run, error)
            if not isinstance(error, CinedgeError):
                raise
        else:
            run.fail()
        finally:
            received = run.position - start
            self.received_bytes_total += received
            if lent.pool.endpoint.is_outside:
                self.origin_bytes_total += received
            self._filled(run.entry, lent, received)
            self._paused = [paused for paused in self._paused if paused is not lent]
            lent.release()

    def _give_up(self, run: Run, error: BaseException) -> None:
        self.failed_total += isinstance(error, CinedgeError)
        if isinstance(error, VersionChangedError):
            run.entry.replaced = run.entry.gone = True
            self._on_replaced(run.entry)
        run.fail()

    def _save(self, growing: Growing) -> None:
        assert growing.memory is not None
        writing = asyncio.wrap_future(
            self.holdings.write(growing.entry, growing.block, growing.memory), loop=self._loop
        )
        self._saving.add(writing)
        writing.add_done_callback(partial(self._saved, growing))

    def _saved(self, growing: Growing, done: asyncio.Future[BlockFile]) -> None:
        self.unsaved -= 1
        self._saving.discard(done)
        entry = growing.entry
        del entry.growing[growing.block]
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            if entry.loan is None:
                self.holdings.disk_failed(entry.disk, error)
            self._keep_unsaved(growing)
        elif self.holdings.admit(entry, growing.block, done.result()):
            growing.state = GrowingState.SAVED
            growing.give(self.memory)
        else:
            self._keep_unsaved(growing)
        self.grew(growing)
        if self._paused and self.unsaved <= _blocks_in(UNSAVED_BYTES_MAX, entry) // 2:
            paused, self._paused = self._paused, []
            for lent in paused:
                lent.connection.resume()

    def _pass_by(self, growing: Growing) -> None:
        """The rule would not have it written: readers on their way get it from memory."""
        del growing.entry.growing[growing.block]
        self.holdings.passed_by(growing.entry, growing.block)
        self._keep_unsaved(growing)
        self.grew(growing)

    def _reconsider(self, growing: Growing) -> None:
        """A reader came to a block on its way; the first is the one it was promised for."""
        if not growing.was_read:
            growing.was_read = True
        elif not growing.is_kept and self.is_kept(growing.entry, growing.block):
            growing.is_kept = True
            if growing in self._homeless:
                del self._homeless[growing]
                self.block_received(growing, promised=True)

    def _keep_unsaved(self, growing: Growing) -> None:
        """The disk would not have it: readers on their way get it from memory, within bounds."""
        growing.state = GrowingState.UNSAVED
        self.holdings.unsaved(growing.entry, growing.block)
        if self.is_wanted(growing.entry, growing.block):
            growing.entry.growing[growing.block] = growing
            self._homeless[growing] = None
            if len(self._homeless) > _blocks_in(UNSAVED_BYTES_MAX, growing.entry):
                self._drop_homeless(next(iter(self._homeless)))

    def _let_go(self, entry: Entry) -> None:
        """Readers moved: blocks of the entry that nobody is on the way to leave memory."""
        for growing in [growing for growing in self._homeless if growing.entry is entry]:
            if not self.is_wanted(entry, growing.block):
                self._drop_homeless(growing)

    def _drop_homeless(self, growing: Growing) -> None:
        del self._homeless[growing]
        del growing.entry.growing[growing.block]

    def _verify(self, entry: Entry, first: int, stop: int) -> None:
        """Have blocks of which is not known whether they are sound read before they are served."""
        for block in range(first, min(stop, first + _VERIFIED_AHEAD_BLOCKS)):
            if entry.present[block] == UNVERIFIED and block not in entry.growing:
                growing = entry.growing[block] = Growing(entry, block)
                reading = asyncio.wrap_future(self.holdings.verify(entry, block), loop=self._loop)
                self._saving.add(reading)
                reading.add_done_callback(partial(self._verified, growing))

    def _verified(self, growing: Growing, done: asyncio.Future[BlockFile]) -> None:
        entry, block = growing.entry, growing.block
        self._saving.discard(done)
        del entry.growing[block]
        if not done.cancelled():
            error = done.exception()
            if error is None:
                self.holdings.verified(entry, block, done.result())
            elif isinstance(error, Exception):
                self.holdings.verified(entry, block, error)
        is_held = self.holdings.open_block(entry, block) is not None
        growing.state = GrowingState.SAVED if is_held else GrowingState.FAILED
        self.grew(growing)

    def _stir(self, growing: Growing) -> None:
        if growing.entry in self.beginning:
            # Who has nothing yet comes before who wants more.
            self._loop.call_soon(self._stir, growing)
            return
        self._stirred.discard(growing)
        growing.pump(self._loop)


async def _recorded(fill: Coroutine[Any, Any, None], run: Run) -> None:
    """A fill that began for a request that is recorded; others may have a use for it, too."""
    start = run.position
    with step("fill", start=start, stop=run.stop) as span:
        await fill
        if span is not None:
            span.attributes["cinedge.received_bytes"] = run.position - start


def _blocks_in(size_bytes: int, entry: Entry) -> int:
    return max(_BLOCKS_MIN, size_bytes // entry.block_bytes)
