"""Fetches what an order names before viewers ask: in the background, so many at once, so fast.

A warmer is a reader without a connection: what it wants is filled as for any viewer, and once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Final

from cdnkit.errors import CinedgeError, UpstreamError
from cdnkit.service.lasting import start_lasting
from cdnkit.wire import ReceiptState, Traffic
from edge.cache.holdings import Holdings
from edge.entry import HELD, UNVERIFIED, Entry
from edge.fetch import Fetcher
from edge.fill import Fills
from edge.growing import GrowingState
from edge.http1.request import Request, parse_request
from edge.purpose import fetch_for

_TRIES_MAX: Final = 3
_WINDOW_BLOCKS: Final = 2
"""How far a fill may run before its warmer: what bounds the bursts of a paced order."""
_TELL_SECONDS: Final = 1.0
_AT_HAND: Final = (HELD, UNVERIFIED)

Say = Callable[[ReceiptState, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bytes [start_bytes, stop_bytes) of a target, in whole blocks; None means to its end."""

    target: bytes
    stop_bytes: int | None
    start_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Warm:
    """What to fetch, at most `bytes_per_second` (0: no limit), `concurrency` targets at once.

    Its hours are [from_at, until_at) in epoch seconds; None: as long as it takes.
    """

    wanted: Sequence[Wanted]
    bytes_per_second: int
    concurrency: int
    from_at: float = 0.0
    until_at: float | None = None

    @property
    def purpose(self) -> Traffic:
        """What its bytes count as: an order that has hours places films by expected demand."""
        return Traffic.FILL_WARM if self.until_at is None else Traffic.FILL_PLACEMENT

    def left_seconds(self, now: float) -> float | None:
        """How long it may take from its beginning, if it begins now or later; None: for ever."""
        return None if self.until_at is None else self.until_at - max(now, self.from_at)


@dataclass(slots=True)
class Progress:
    """How far an order is."""

    objects: int
    objects_done: int = 0
    bytes: int = 0
    failed: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Members of a receipt."""
        told: dict[str, Any] = {
            "objects": self.objects,
            "objects_done": self.objects_done,
            "bytes": self.bytes,
        }
        return {**told, "failed": self.failed, "reason": self.reason} if self.failed else told


@dataclass(slots=True)
class _Spending:
    """Lets bytes pass at a rate, all targets of an order together."""

    bytes_per_second: int
    free_at: float = 0.0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def spend(self, size: int) -> None:
        if self.bytes_per_second:
            now = self.loop.time()
            self.free_at = max(self.free_at, now) + size / self.bytes_per_second
            await asyncio.sleep(self.free_at - now)


class Warmer:
    """Stands among an entry's readers; its connection is itself, and pumping wakes it."""

    ahead = 0
    window = _WINDOW_BLOCKS
    position, stop = 0, 1

    def __init__(self, entry: Entry, first_block: int, stop_block: int) -> None:
        self.entry = entry
        self.context = copy_context()
        self.cursor = first_block
        self.stop_block = stop_block
        self.connection = self.server = self.body = self
        self._more = asyncio.Event()

    def pump(self, connection: Warmer) -> None:
        """Something has come."""
        self._more.set()

    async def more(self) -> None:
        """Wait until something has come."""
        await self._more.wait()
        self._more.clear()


class Warming:
    """Warms on one worker."""

    def __init__(self, holdings: Holdings, fetcher: Fetcher, fills: Fills) -> None:
        self._holdings = holdings
        self._fetcher = fetcher
        self._fills = fills

    async def warm(self, order: Warm, say: Say, now: float) -> None:
        """Fetch all of it in its hours; what cannot be fetched is told and passed over.

        `now` is the present moment; what has not come when the hours end has failed.
        """
        progress = Progress(len(order.wanted))
        if order.from_at > now:
            say(ReceiptState.WORKING, progress.to_json())
            await asyncio.sleep(order.from_at - now)
        left_seconds = order.left_seconds(now)
        if left_seconds is None or left_seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_seconds):
                    await self._warm(order, say, progress)
        if progress.objects_done + progress.failed < progress.objects:
            progress.failed = progress.objects - progress.objects_done
            progress.reason = progress.reason or "its hours are over"
        state = ReceiptState.FAILED if progress.failed else ReceiptState.DONE
        say(state, progress.to_json())

    async def _warm(self, order: Warm, say: Say, progress: Progress) -> None:
        spending = _Spending(order.bytes_per_second)
        at_once = asyncio.Semaphore(order.concurrency)

        async def one(wanted: Wanted) -> None:
            fetch_for(order.purpose)
            async with at_once:
                try:
                    await self._hold(wanted, spending, progress)
                except CinedgeError as error:
                    progress.failed += 1
                    progress.reason = progress.reason or error.detail
                else:
                    progress.objects_done += 1

        async def tell() -> None:
            while True:
                say(ReceiptState.WORKING, progress.to_json())
                await asyncio.sleep(_TELL_SECONDS)

        telling = start_lasting("progress of an order", tell)
        try:
            async with asyncio.TaskGroup() as group:
                for wanted in order.wanted:
                    group.create_task(one(wanted))
        finally:
            telling.cancel()

    def is_at_hand(self, wanted: Wanted) -> bool:
        """Whether nothing of it has to be asked for, or it could not be kept a moment ago."""
        request = _question(wanted.target)
        if self._fetcher.is_uncacheable(wanted.target, request):
            return True
        entry = self._holdings.find(wanted.target, request.fields)
        return entry is not None and all(map(entry.at_hand, _blocks(entry, wanted)))

    async def fetch(self, wanted: Wanted) -> None:
        """Fetch without an order what is not held. Raises UpstreamError."""
        await self._hold(wanted, _Spending(0), Progress(1))

    async def _hold(self, wanted: Wanted, spending: _Spending, progress: Progress) -> None:
        found = await self._found(wanted)
        entry = found or await self._learned(wanted)
        blocks = _blocks(entry, wanted)
        # What is held costs nobody anything: an order taken up again is soon where it was.
        held = {block for block in blocks if entry.present[block] in _AT_HAND} if found else set()
        warmer = Warmer(entry, blocks.start, blocks.stop)
        entry.readers.add(warmer)  # type: ignore[arg-type]
        try:
            for block in blocks:
                warmer.cursor = block
                await self._hold_block(warmer, block)
                progress.bytes += entry.block_size(block)
                if block not in held:
                    await spending.spend(entry.block_size(block))
        finally:
            entry.readers.discard(warmer)
            self._fills.left(warmer)  # type: ignore[arg-type]

    async def _found(self, wanted: Wanted) -> Entry | None:
        await self._holdings.loading.reach(wanted.target)
        return self._holdings.find(wanted.target, _question(wanted.target).fields)

    async def _learned(self, wanted: Wanted) -> Entry:
        request = _question(wanted.target)
        key = self._holdings.key_of(wanted.target, request.fields)
        part = (wanted.start_bytes, wanted.stop_bytes)
        learned, _ = await self._fetcher.learn(key, wanted.target, request, part, None)
        if learned.entry is None:
            learned.drop()
            raise UpstreamError(f"the answer ({learned.status}) may not be stored")
        return learned.entry

    async def _hold_block(self, warmer: Warmer, block: int) -> None:
        entry, tries = warmer.entry, 0
        while entry.present[block] not in _AT_HAND:
            growing = entry.growing.get(block)
            if growing is None or growing.state in (GrowingState.FAILED, GrowingState.UNSAVED):
                tries += 1
                if tries > _TRIES_MAX or entry.replaced:
                    raise UpstreamError("a block could not be fetched and kept")
                self._fills.want(warmer)  # type: ignore[arg-type]
                growing = entry.growing.get(block)
            if growing is not None and growing.state is not GrowingState.UNSAVED:
                growing.waiters.add(warmer)  # type: ignore[arg-type]
                await warmer.more()


def _blocks(entry: Entry, wanted: Wanted) -> range:
    stop = entry.size_bytes
    if wanted.stop_bytes is not None:
        stop = min(stop, wanted.stop_bytes)
    return range(wanted.start_bytes // entry.block_bytes, -(-stop // entry.block_bytes))


def _question(target: bytes) -> Request:
    return parse_request(b"GET %b HTTP/1.1\r\nhost: edge" % target)


def parse_warm(detail: Mapping[str, Any], targets_at: Callable[[str], list[bytes]]) -> Warm:
    """The warm of a journal entry. Raises NOT_UNDERSTOOD of `orders` for anything else."""
    until = detail.get("until_at")
    return Warm(
        parse_wanted(detail, targets_at),
        int(detail["bytes_per_second"]),
        max(1, int(detail["concurrency"])),
        float(detail.get("from_at") or 0.0),
        None if until is None else float(until),
    )


def parse_wanted(
    detail: Mapping[str, Any], targets_at: Callable[[str], list[bytes]]
) -> list[Wanted]:
    """What an order to warm or pin names. Raises as `parse_warm` does."""
    wanted: list[Wanted] = []
    for each in detail["objects"]:
        stop = each["stop_bytes"]
        stop = None if stop is None else int(stop)
        wanted += [Wanted(target, stop) for target in targets_at(str(each["key"]))]
    return wanted
