"""The entries of a worker and the blocks it holds, over all its disks.

Keeps three things in step: the entries by key, the index that decides who leaves, and the files.
Everything that blocks runs on the disks' threads, in order for each file; the maps belong to the
loop's thread. A version that lost its key keeps its files until its last reader has left.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

import structlog
from cachetools import LRUCache

from cdnkit.fields import FieldLines
from cdnkit.freshness import variant_key, vary_names
from cdnkit.wire import MissClass
from edge.blockfile import BlockFile
from edge.cache.disk import TRAILER_BYTES, CorruptBlockError, Disk, FoundObject, home_of
from edge.cache.epochs import Epochs
from edge.cache.index import BlockIndex
from edge.cache.ordered import OrderedTasks
from edge.cache.records import entry_from, record_of
from edge.entry import ABSENT, EVICTED, HELD, UNVERIFIED, Entry, name_of

_SEPARATOR: Final = b"\n"
"""Between the target and the variant in a key; no target contains it."""
_REMEMBERED_LOSSES: Final = 100_000
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
_MADE_ROOM_BLOCKS: Final = 2
_OPEN_MAX: Final = 100_000
"""Most open files: each takes memory of the process and of the system, opening takes little."""
_LOADED_AT_ONCE: Final = 16
_EMPTY_ENTRIES_MAX: Final = 10_000
"""Entries without a block, which no eviction of blocks would ever reach."""


class Holdings:
    """What this worker holds. Call `load` once before serving."""

    def __init__(self, disks: Sequence[Disk], loop: asyncio.AbstractEventLoop) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.epochs = Epochs()
        self.disks = list(disks)
        self.evicted_blocks_total = 0
        self.evicted_bytes_total = 0
        self.corrupt_blocks_total = 0
        self._loop = loop
        self._log = structlog.get_logger("edge.holdings")
        self._indexes = {disk: BlockIndex(disk.size_bytes) for disk in self.disks}
        self._by_number: dict[int, Entry] = {}
        self._next_number = 1
        self._varying: dict[bytes, tuple[bytes, ...]] = {}
        self._losses: LRUCache[bytes, MissClass] = LRUCache(_REMEMBERED_LOSSES)
        self._empty: OrderedDict[Entry, None] = OrderedDict()
        self._open: OrderedDict[tuple[int, int], Entry] = OrderedDict()
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._open_max = min(max(256, descriptors // 2), _OPEN_MAX)
        # Block files of two entries never share a name, not even those of one version that was
        # purged and fetched again: removing the old one's cannot touch the new one's.
        self._run = secrets.token_hex(4)
        self._tasks = OrderedTasks()

    @property
    def held_bytes(self) -> int:
        """Bytes of blocks held on all disks."""
        return sum(index.held_bytes for index in self._indexes.values())

    @property
    def held_blocks(self) -> int:
        """Blocks held on all disks."""
        return sum(len(index) for index in self._indexes.values())

    def key_of(self, target: bytes, request: FieldLines) -> bytes:
        """The key under which an answer to this request would be held now (RFC 9111 4.1)."""
        names = self._varying.get(target)
        if not names:
            return target
        return target + _SEPARATOR + variant_key(names, request)

    def find(self, target: bytes, request: FieldLines) -> Entry | None:
        """The entry that may answer the request."""
        return self.entries.get(self.key_of(target, request))

    def why_missing(self, key: bytes) -> MissClass:
        """Why there is no entry: it was evicted or purged lately, or never here."""
        return self._losses.get(key, MissClass.COLD)

    def disk_for(self, target: bytes) -> Disk:
        """The disk on which an object lives, stable while the set of disks is."""
        return home_of(target, self.disks)

    def put(self, target: bytes, request: FieldLines, entry: Entry) -> None:
        """Let a new version take its key; the old one's blocks go, its readers keep theirs."""
        names = vary_names(FieldLines(entry.head.pairs)) or ()
        if names:
            self._varying[target] = names
        else:
            self._varying.pop(target, None)
        entry.key = self.key_of(target, request)
        entry.object_id = name_of(entry.key)
        entry.files_name = f"{entry.version}.{self._run}.{self._next_number:x}"
        old = self.entries.get(entry.key)
        if old is not None:
            self._forget(old)
        self._enrol(entry)
        self.save_entry(entry)
        self._bound_empty()

    def save_entry(self, entry: Entry) -> None:
        """Write what is known of an entry, in the background; nothing of one that is gone."""
        if entry.replaced:
            return
        writing = partial(entry.disk.write_entry, entry.object_id, record_of(entry))
        self._in_background(entry.disk, entry.object_id, writing)

    def remove(self, entry: Entry, loss: MissClass) -> None:
        """Nothing of this entry is served again."""
        if self.entries.get(entry.key) is entry:
            self._losses[entry.key] = loss
            self._forget(entry)
            removing = partial(entry.disk.remove_entry, entry.object_id)
            self._in_background(entry.disk, entry.object_id, removing)

    def invalidate(self, target: bytes, new_etag: str | None = None) -> None:
        """What a target names has changed: every variant goes, and answers on their way are old.

        An entry that has `new_etag` is what the change made, fetched before we heard of it: it
        stays.
        """
        self.epochs.change(target)
        for entry in self.variants_of(target):
            if new_etag is None or entry.validators.etag != new_etag:
                self.remove(entry, MissClass.PURGED)

    def replaced(self, entry: Entry) -> None:
        """The origin has another version now: the next request asks for it."""
        self.remove(entry, MissClass.EXPIRED)

    def distrust(self) -> None:
        """Whatever is held may have changed unnoticed: ask before it is served again."""
        self.epochs.change_all()
        for entry in self.entries.values():
            freshness = replace(
                entry.head.freshness, lifetime_seconds=0, stale_while_revalidate_seconds=0
            )
            entry.renew(replace(entry.head, freshness=freshness))

    def variants_of(self, target: bytes) -> list[Entry]:
        """Every entry held for a target."""
        plain = self.entries.get(target)
        prefix = target + _SEPARATOR
        found = [] if plain is None else [plain]
        if target in self._varying:
            found += [entry for key, entry in self.entries.items() if key.startswith(prefix)]
        return found

    def open_block(self, entry: Entry, block: int) -> BlockFile | None:
        """The block's open file, None when it is not held (or not to be trusted yet)."""
        file = entry.files[block]
        if file is None and entry.present[block] == HELD:
            file = self._reopen(entry, block)
        return file

    def verify(self, entry: Entry, block: int) -> Future[BlockFile]:
        """Read a block found on disk and check it; give what comes of it to `verified`."""
        size = entry.block_size(block)
        reading = partial(entry.disk.verify_block, entry.object_id, entry.files_name, block, size)
        return self._tasks.submit(entry.disk.threads, _place(entry, block), reading)

    def verified(self, entry: Entry, block: int, file: BlockFile | Exception) -> None:
        """Trust the block from now on, or let it go."""
        if entry.present[block] != UNVERIFIED:
            return
        if isinstance(file, BlockFile):
            entry.present[block] = HELD
            self._keep_open(entry, block, file)
        else:
            self._lost(entry, block, file)

    def write(self, entry: Entry, block: int, content: memoryview) -> Future[BlockFile]:
        """Write a whole block; give its file to `admit`."""
        writing = partial(entry.disk.write_block, entry.object_id, entry.files_name, block, content)
        return self._tasks.submit(entry.disk.threads, _place(entry, block), writing)

    def used(self, entry: Entry) -> None:
        """The entry was looked at, whether or not a block of it is sent."""
        if entry in self._empty:
            self._empty.move_to_end(entry)
        elif entry.present[0] in (HELD, UNVERIFIED):
            self._touch(entry, 0)

    def touch(self, entry: Entry, first: int, stop: int) -> None:
        """Blocks [first, stop) were used."""
        for block in range(first, stop):
            self._touch(entry, block)

    def touch_recent(self, stirred: list[Entry]) -> None:
        """Blocks that the fast lane served since the last time; empties the list."""
        for entry in stirred:
            recent, entry.recent = entry.recent, None
            if recent is not None and not entry.replaced:
                block = recent.find(1)
                while block >= 0:
                    self._touch(entry, block)
                    block = recent.find(1, block + 1)
        stirred.clear()

    def admit(self, entry: Entry, block: int, file: BlockFile) -> bool:
        """A block's file is in place: hold it and let the least used go.

        False when it cannot be held: its file is gone again.
        """
        victims: list[tuple[int, int]] | None = []
        if self._by_number.get(entry.store_id) is entry:
            index = self._indexes[entry.disk]
            victims = index.admit((entry.store_id, block), entry.block_size(block))
        elif not entry.readers:
            victims = None
        if victims is None:
            self._remove_file(entry, block)
            return False
        entry.present[block] = HELD
        self._empty.pop(entry, None)
        self._keep_open(entry, block, file)
        for number, victim in victims:
            self._evict(self._by_number[number], victim)
        return True

    def bury(self, entry: Entry) -> None:
        """The last reader of a version without a key has left: its files go."""
        for block in list(_held_blocks(entry)):
            entry.present[block] = ABSENT
            self._close_file(entry, block)
            self._remove_file(entry, block)

    def disk_failed(self, disk: Disk, error: BaseException | None) -> None:
        """A write failed; the block is served from memory and not held.

        A full disk has less room than it was said to have: the least used make some.
        """
        self._log.warning("block not written", disk=str(disk.path), error=repr(error))
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            for _ in range(_MADE_ROOM_BLOCKS):
                victim = self._indexes[disk].pop()
                if victim is not None:
                    self._evict(self._by_number[victim[0]], victim[1])

    async def load(self) -> None:
        """Find what the disks hold; blocks are verified at first use after an unclean stop."""
        await asyncio.gather(*map(self._load_disk, self.disks))
        self._bound_empty()

    async def _load_disk(self, disk: Disk) -> None:
        run = partial(self._loop.run_in_executor, disk.threads)
        clean = await run(disk.prepare)
        scanning = disk.scan()
        # A few at a time: what was found of millions of blocks is never in memory as a whole.
        while found := await run(_some_of, scanning):
            for item in found:
                self._restore(disk, item, HELD if clean else UNVERIFIED)

    async def close(self) -> None:
        """Finish writing and mark the disks clean."""
        for disk in self.disks:
            await self._loop.run_in_executor(None, disk.close)

    def _enrol(self, entry: Entry) -> None:
        entry.store_id = self._next_number
        self._next_number += 1
        self._by_number[entry.store_id] = entry
        self.entries[entry.key] = entry
        self._empty[entry] = None

    def _bound_empty(self) -> None:
        """The entries without blocks that were looked at longest ago go, but for those in use."""
        for _ in range(len(self._empty) - _EMPTY_ENTRIES_MAX):
            entry = next(iter(self._empty))
            if entry.growing or entry.readers:
                self._empty.move_to_end(entry)
            else:
                self.remove(entry, MissClass.EVICTED)

    def _forget(self, entry: Entry) -> None:
        entry.replaced = True
        entry.cool()
        del self.entries[entry.key]
        del self._by_number[entry.store_id]
        self._empty.pop(entry, None)
        index = self._indexes[entry.disk]
        for block in _held_blocks(entry):
            index.remove((entry.store_id, block))
        if not entry.readers:
            self.bury(entry)

    def _evict(self, entry: Entry, block: int) -> None:
        self.evicted_blocks_total += 1
        self.evicted_bytes_total += entry.block_size(block)
        entry.present[block] = EVICTED
        self._close_file(entry, block)
        self._remove_file(entry, block)
        if HELD in entry.present or UNVERIFIED in entry.present:
            return
        if entry.growing or entry.readers:
            self._empty[entry] = None
        else:
            self.remove(entry, MissClass.EVICTED)

    def _lost(self, entry: Entry, block: int, error: Exception) -> None:
        self.corrupt_blocks_total += 1
        entry.present[block] = ABSENT
        self._indexes[entry.disk].remove((entry.store_id, block))
        self._log.warning("block lost", key=entry.key, block=block, error=str(error))
        self._remove_file(entry, block)
        if not (entry.replaced or HELD in entry.present or UNVERIFIED in entry.present):
            self._empty[entry] = None

    def _reopen(self, entry: Entry, block: int) -> BlockFile | None:
        try:
            file = entry.disk.open_block(entry.object_id, entry.files_name, block)
            if os.fstat(file.fd).st_size != entry.block_size(block) + TRAILER_BYTES:
                raise CorruptBlockError("wrong length")
        except (OSError, CorruptBlockError) as error:
            if isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR:
                # Nothing is wrong with the block: the next one to ask finds descriptors.
                self._close_oldest(len(self._open) // 2)
            else:
                self._lost(entry, block, error)
            return None
        self._keep_open(entry, block, file)
        return file

    def _touch(self, entry: Entry, block: int) -> None:
        unit = (entry.store_id, block)
        self._indexes[entry.disk].touch(unit)
        if unit in self._open:
            self._open.move_to_end(unit)

    def _keep_open(self, entry: Entry, block: int, file: BlockFile) -> None:
        entry.files[block] = file
        self._open[entry.store_id, block] = entry
        if len(self._open) > self._open_max:
            self._close_oldest(1)

    def _close_oldest(self, count: int) -> None:
        for _ in range(count):
            (_, block), entry = self._open.popitem(last=False)
            entry.files[block] = None

    def _close_file(self, entry: Entry, block: int) -> None:
        entry.files[block] = None
        self._open.pop((entry.store_id, block), None)

    def _remove_file(self, entry: Entry, block: int) -> None:
        removing = partial(entry.disk.remove_block, entry.object_id, entry.files_name, block)
        self._in_background(entry.disk, _place(entry, block), removing)

    def _restore(self, disk: Disk, found: FoundObject, state: int) -> None:
        entry = entry_from(found, disk)
        if entry is None or entry.key in self.entries:
            removing = partial(disk.remove_object, found.object_id)
            self._in_background(disk, found.object_id, removing)
            return
        self._enrol(entry)
        target, _, _ = entry.key.partition(_SEPARATOR)
        names = vary_names(FieldLines(entry.head.pairs)) or ()
        if names:
            self._varying[target] = names
        for name, blocks in found.blocks.items():
            stop = entry.count if name == entry.files_name else 0
            for block in filter(stop.__le__, blocks):
                removing = partial(disk.remove_block, found.object_id, name, block)
                self._in_background(disk, f"{found.object_id}/{name}-{block}", removing)
            self._restore_blocks(entry, array("Q", filter(stop.__gt__, blocks)), state)

    def _restore_blocks(self, entry: Entry, blocks: array[int], state: int) -> None:
        # Only the last block may be shorter; all others go in at once when there is room.
        last = entry.count - 1
        whole = array("Q", filter(last.__gt__, blocks))
        index = self._indexes[entry.disk]
        if whole and index.admit_all(entry.store_id, whole, entry.block_bytes):
            for block in whole:
                entry.present[block] = state
            self._empty.pop(entry, None)
            blocks = array("Q", filter(last.__eq__, blocks))
        for block in blocks:
            self._restore_block(entry, block, state)

    def _restore_block(self, entry: Entry, block: int, state: int) -> None:
        index = self._indexes[entry.disk]
        victims = index.admit((entry.store_id, block), entry.block_size(block))
        if victims is None:
            self._remove_file(entry, block)
            return
        entry.present[block] = state
        self._empty.pop(entry, None)
        for number, victim in victims:
            self._evict(self._by_number[number], victim)

    def _in_background(self, disk: Disk, name: str, function: Callable[[], None]) -> None:
        self._tasks.submit(disk.threads, name, function).add_done_callback(self._note_failure)

    def _note_failure(self, task: Future[None]) -> None:
        error = task.exception()
        if error is not None:
            self._log.warning("disk task failed", error=repr(error))


def _place(entry: Entry, block: int) -> str:
    return f"{entry.object_id}/{entry.files_name}-{block}"


def _some_of(scanning: Iterator[FoundObject]) -> list[FoundObject]:
    return list(islice(scanning, _LOADED_AT_ONCE))


def _held_blocks(entry: Entry) -> Iterator[int]:
    for block, state in enumerate(entry.present):
        if state in (HELD, UNVERIFIED):
            yield block
