"""Reading what the disks hold while the edge serves already: what is asked for is read first.

The shelves of every disk are read one after the other on the disk's threads. Who asks for a target
waits for its own object, or, when there is none, for its shelf, where its variants would be; a
shelf that somebody waits for comes before all others. Nothing new may come to a shelf before it is
read, so what is found there is older than whatever this process makes. What becomes of an object
that was found is not decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import structlog

from edge.cache.disk import NO_DESCRIPTOR, Disk, FoundObject
from edge.cache.shelves import shelf_of
from edge.entry import name_of

Found = Callable[[Disk, FoundObject], None]
Result = TypeVar("Result")

_BLOCKS_AT_ONCE: Final = 40_000
_OBJECTS_AT_ONCE: Final = 256
"""What a disk's thread hands over at once; on a busy machine each time costs milliseconds."""
_BLOCKS_A_TURN: Final = 2_000
_OBJECTS_A_TURN: Final = 32
"""What the thread that serves takes in before it looks after viewers again: a millisecond or two.
"""
_RETRY_SECONDS: Final = 1.0


class Loading:
    """`found` takes each object, once, on the loop's thread. Call `prepare`, then `start`.

    `ended` is True once all is read, False when the edge ended before, or fails with OSError.
    """

    def __init__(
        self, disks: Sequence[Disk], loop: asyncio.AbstractEventLoop, found: Found
    ) -> None:
        self.ended: asyncio.Future[bool] = loop.create_future()
        self._disks = disks
        self._loop = loop
        self._found = found
        self._clean: dict[Disk, bool] = {}
        self._shelves = 0
        # For each shelf that is not read yet: the disks that have it.
        self._unread: dict[int, set[Disk]] = {}
        self._wanted: dict[int, asyncio.Future[None]] = {}
        self._taken: set[tuple[Disk, str]] = set()
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("edge.loading")

    @property
    def share(self) -> float:
        """How much of all shelves is read, in [0, 1]."""
        return 1 - len(self._unread) / self._shelves if self._shelves else 1.0

    def is_over(self) -> bool:
        """Whether everything is read."""
        return not self._unread

    def is_unread(self, target: bytes) -> bool:
        """Whether something of a target may be on a disk that nothing here knows of yet."""
        return bool(self._unread) and shelf_of(name_of(target)) in self._unread

    def was_clean(self, disk: Disk) -> bool:
        """Whether the last stop left this disk in order."""
        return self._clean[disk]

    async def prepare(self) -> None:
        """See which shelves there are to read. Raises OSError."""
        await asyncio.gather(*map(self._prepare, self._disks))
        self._shelves = len(self._unread)

    def start(self) -> None:
        """Begin to read."""
        self._task = self._loop.create_task(self._run())

    async def stop(self) -> None:
        """Leave the rest unread: the edge ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if not self.ended.done():
            self.ended.set_result(False)

    async def finished(self) -> bool:
        """Return once all is read; False when it will not be."""
        await asyncio.wait({self.ended})
        return self.ended.exception() is None and self.ended.result()

    async def reach(self, target: bytes) -> None:
        """Return once that of a target is known which can answer for it. Raises OSError."""
        if self.is_unread(target) and not await self._read_object(name_of(target)):
            await self.reach_shelf(target)

    async def reach_shelf(self, target: bytes) -> None:
        """Return once all is known that there is of a target. Raises OSError."""
        if self.is_unread(target):
            shelf = shelf_of(name_of(target))
            wanted = self._wanted.get(shelf)
            if wanted is None:
                wanted = self._wanted[shelf] = self._loop.create_future()
            await asyncio.shield(wanted)

    async def _prepare(self, disk: Disk) -> None:
        self._clean[disk] = await self._on(disk, disk.prepare)
        for shelf in await self._on(disk, disk.found_shelves):
            self._unread.setdefault(shelf, set()).add(disk)

    async def _run(self) -> None:
        began = self._loop.time()
        try:
            await asyncio.gather(*map(self._read_disk, self._disks))
        except Exception as error:  # the edge ends by it: nobody knows what is held
            self._fail(error)
            return
        self._log.info("loaded", seconds=round(self._loop.time() - began, 2))
        self.ended.set_result(True)

    def _fail(self, error: Exception) -> None:
        self._log.error("what is held cannot be read", exc_info=error)
        waiting: list[asyncio.Future[Any]] = [*self._wanted.values(), self.ended]
        for each in waiting:
            each.set_exception(error)
            # Who waits gets it; that nobody does is no news.
            each.exception()

    async def _read_disk(self, disk: Disk) -> None:
        unread = [shelf for shelf in sorted(self._unread) if disk in self._unread[shelf]]
        left = dict.fromkeys(unread)
        while left:
            shelf = next((each for each in self._wanted if each in left), next(iter(left)))
            try:
                await self._read_shelf(disk, shelf)
            except OSError as error:
                if error.errno not in NO_DESCRIPTOR:
                    raise
                # Connections have them all: some will be free again.
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            del left[shelf]
            self._is_read(disk, shelf)

    async def _read_shelf(self, disk: Disk, shelf: int) -> None:
        scanning = disk.scan((shelf,))
        some = await self._on(disk, partial(_some_of, scanning))
        while some:
            following = self._on(disk, partial(_some_of, scanning))
            await self._take_all(disk, some)
            some = await following

    async def _take_all(self, disk: Disk, some: Iterable[FoundObject]) -> None:
        objects = blocks = 0
        for found in some:
            self._take(disk, found)
            objects += 1
            blocks += found.count
            if objects >= _OBJECTS_A_TURN or blocks >= _BLOCKS_A_TURN:
                objects = blocks = 0
                await asyncio.sleep(0)

    async def _read_object(self, object_id: str) -> bool:
        """Read one object before its shelf; False when no disk has it."""
        for disk in list(self._unread.get(shelf_of(object_id), ())):
            if (disk, object_id) in self._taken:
                return True
            found = await self._on(disk, partial(disk.find, object_id))
            if found is not None:
                self._take(disk, found)
                return True
        return False

    def _take(self, disk: Disk, found: FoundObject) -> None:
        place = disk, found.object_id
        if place not in self._taken and shelf_of(found.object_id) in self._unread:
            self._taken.add(place)
            self._found(disk, found)

    def _is_read(self, disk: Disk, shelf: int) -> None:
        self._unread[shelf].discard(disk)
        if self._unread[shelf]:
            return
        del self._unread[shelf]
        self._taken = {place for place in self._taken if shelf_of(place[1]) != shelf}
        wanted = self._wanted.pop(shelf, None)
        if wanted is not None:
            wanted.set_result(None)

    def _on(self, disk: Disk, work: Callable[[], Result]) -> asyncio.Future[Result]:
        return self._loop.run_in_executor(disk.threads, work)


def _some_of(scanning: Iterator[FoundObject]) -> list[FoundObject]:
    some: list[FoundObject] = []
    blocks = 0
    for found in scanning:
        some.append(found)
        blocks += found.count
        if blocks >= _BLOCKS_AT_ONCE or len(some) >= _OBJECTS_AT_ONCE:
            break
    return some
