"""The entries of a worker and the blocks it holds, over all its disks.

Keeps three things in step: the entries by key, the index that decides who leaves, and the files.
Everything that blocks runs on the disks' threads, in order for each file; the maps belong to the
loop's thread. A version that lost its key keeps its files until its last reader has left.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Final

import structlog
from cachetools import LRUCache

from cdnkit.wire import MissClass
from edge.cache.departures import Departures
from edge.cache.disk import NO_DESCRIPTOR, CorruptBlockError, Disk, home_of
from edge.cache.epochs import Epochs
from edge.cache.files import BlockFile, Files
from edge.cache.finding import Finding
from edge.cache.keeping import Keeping, NewIndex, lru_index
from edge.cache.names import FieldLines, Names
from edge.cache.sharing import Alone, Sharing
from edge.entry import ABSENT, EVICTED, HELD, PASSED_BY, UNVERIFIED, Entry, Loan, name_of

_REMEMBERED_LOSSES: Final = 100_000
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_MADE_ROOM_BLOCKS: Final = 2
_EMPTY_ENTRIES_MAX: Final = 10_000
"""Entries without a block, which no eviction of blocks would ever reach."""

Pinned = tuple[bytes, int, int | None]
"""Blocks [first, stop) of a target; None means to its end."""


class Holdings:
    """What this worker holds. Call `open` before serving, and have `loading` started soon."""

    def __init__(
        self,
        disks: Sequence[Disk],
        loop: asyncio.AbstractEventLoop,
        new_index: NewIndex = lru_index,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.epochs = Epochs()
        self.disks = list(disks)
        self.sharing: Sharing = Alone()
        self.borrowed_entries = 0
        self.evicted_blocks_total = 0
        self.evicted_bytes_total = 0
        self.corrupt_blocks_total = 0
        self._loop = loop
        self._log = structlog.get_logger("edge.holdings")
        self.keeping = Keeping(self.disks, new_index, now)
        self._next_number = 1
        self.names = Names()
        self._losses: LRUCache[bytes, MissClass] = LRUCache(_REMEMBERED_LOSSES)
        self._empty: OrderedDict[Entry, None] = OrderedDict()
        self._unrecorded: set[Entry] = set()
        self.files = Files(self.disks[0])
        self.marks, self.trust = self.files.marks, self.files.marks.trust
        self.open_files = self.files.open_files
        # Block files of two entries never share a name, not even those of one version that was
        # purged and fetched again: removing the old one's cannot touch the new one's.
        self._run = secrets.token_hex(4)
        self._departures = Departures(loop, self._release, self._released)
        self.finding = Finding(
            *(self.disks, loop, (self.entries, self.keeping, self.files, self.names)),
            enrol=self._enrol,
            has_blocks=lambda entry: self._empty.pop(entry, None),
            evict=self._evict,
            purge=lambda entry: self.remove(entry, MissClass.PURGED),
        )
        self.loading = self.finding.loading
        self.loading.ended.add_done_callback(lambda _: self._bound_empty())

    @property
    def held_bytes(self) -> int:
        """Bytes of blocks held on all disks."""
        return sum(index.held_bytes for index in self.keeping.indexes)

    @property
    def held_blocks(self) -> int:
        """Blocks held on all disks."""
        return sum(len(index) for index in self.keeping.indexes)

    def key_of(self, target: bytes, request: FieldLines) -> bytes:
        """The key under which an answer to this request would be held now (RFC 9111 4.1)."""
        return self.names.key_of(target, request)

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
        """Let a new version take its key; the old one's blocks go, its readers keep theirs.

        All that there is of the target has to be known (`Loading.reach_shelf`).
        """
        assert not self.loading.is_unread(target)
        self.names.vary(target, entry)
        entry.key = self.key_of(target, request)
        entry.object_id = name_of(entry.key)
        entry.files_name = f"{entry.version}.{self._run}.{self._next_number:x}"
        owner = self.sharing.owner_of(entry.object_id)
        if owner is not None:
            # Its owner is away: it is kept in memory only, and only until the owner is back.
            entry.loan = Loan(owner, 0, up=False)
        old = self.entries.get(entry.key)
        if old is not None:
            self._forget(old, MissClass.EXPIRED)
        self._enrol(entry)
        if old is None and entry.count and entry.loan is None:
            # Without a block it is nothing to find again, and its viewer comes before the disk.
            self.names.tags.note(entry)
            self._unrecorded.add(entry)
        else:
            self.save_entry(entry)
        self._bound_empty()

    def borrow(self, entry: Entry) -> None:
        """Know an entry of another worker, instead of what was known under its key."""
        old = self.entries.get(entry.key)
        if old is not None:
            self._forget(old, None)
        self.names.found(entry)
        entry.store_id = self._next_number
        self._next_number += 1
        self.entries[entry.key] = entry
        self.borrowed_entries += 1

    def save_entry(self, entry: Entry) -> None:
        """Write what is known of an entry, in the background; nothing of one that is gone."""
        self._unrecorded.discard(entry)
        if entry.replaced or entry.loan is not None:
            return
        self.names.tags.note(entry)
        if entry.borrowers:
            self.sharing.renewed(entry)
        self.files.save_entry(entry)

    def remove(self, entry: Entry, loss: MissClass | None) -> None:
        """Nothing of this entry is served again; `loss` is why, None when it may come back."""
        if self.entries.get(entry.key) is entry:
            if loss is not None:
                self._losses[entry.key] = loss
            self._forget(entry, loss)
            if entry.loan is None:
                self.files.remove_entry(entry)

    async def recorded(self) -> bool:
        """Return once the disks know of every entry what is known here now, and which are good.

        False when they will not: the edge ends before it has found all that it holds.
        """
        if not await self.loading.finished():
            return False
        return await self.files.recorded()

    def soften(self, entry: Entry, now: float, usable_seconds: int) -> None:
        """Stale from now on, but usable for a while by those whose asking makes it fresh again."""
        entry.renew(entry.head.softened(now, usable_seconds))
        self.save_entry(entry)

    def invalidate(self, target: bytes, new_etag: str | None = None) -> None:
        """What a target names has changed: every variant goes, and answers on their way are old.

        An entry that has `new_etag` is what the change made, fetched before we heard of it: it
        stays.
        """
        self.epochs.change(target)
        self.finding.invalidate(target, new_etag)
        for entry in self.variants_of(target):
            if new_etag is None or entry.validators.etag != new_etag:
                self.remove(entry, MissClass.PURGED)

    def replaced(self, entry: Entry) -> None:
        """The origin has another version now: the next request asks for it."""
        self.remove(entry, MissClass.EXPIRED)

    def distrust(self) -> None:
        """Whatever is held may have changed unnoticed: ask before it is served again."""
        self.epochs.change_all()
        self.trust.renounce()
        for entry in self.entries.values():
            if entry.borrowers:
                self.sharing.questioned(entry)
        self.marks.save()

    def variants_of(self, target: bytes) -> list[Entry]:
        """Every entry held for a target."""
        plain = self.entries.get(target)
        found = [] if plain is None else [plain]
        prefix = self.names.prefix_of_variants(target)
        if prefix is not None:
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
        return self.files.verify_block(entry, block)

    def verified(self, entry: Entry, block: int, file: BlockFile | Exception) -> None:
        """Trust the block from now on, or let it go."""
        if entry.present[block] != UNVERIFIED:
            return
        if isinstance(file, BlockFile):
            entry.present[block] = HELD
            self.open_files.keep(entry, block, file)
            if entry.borrowers:
                self.sharing.held(entry, block)
        else:
            self._lost(entry, block, file)

    def spoilt(self, entry: Entry, block: int, error: Exception) -> None:
        """A block that was trusted is not what was written: nobody gets it from now on."""
        if not entry.replaced and entry.present[block] == HELD:
            self.open_files.close(entry, block)
            self._lost(entry, block, error)

    def write(self, entry: Entry, block: int, content: memoryview) -> Future[BlockFile]:
        """Write a whole block; give its file to `admit`."""
        if entry in self._unrecorded:
            self.save_entry(entry)
        if entry.loan is not None:
            return entry.loan.await_owner(block, self.open_block(entry, block))
        return self.files.write_block(entry, block, content)

    def used(self, entry: Entry) -> None:
        """The entry was looked at, whether or not a block of it is sent."""
        if entry.loan is not None:
            self._touch(entry, 0)
        elif entry in self._empty:
            self._empty.move_to_end(entry)
        elif entry.count == 1:
            self._touch(entry, 0)

    def pin(self, ranges: Iterable[Pinned]) -> Future[None]:
        """Keep blocks of targets, those held and those to come.

        The future is done when a restart would know. What is over the share of a disk that pins
        may take is treated as any other block.
        """
        for target, first, stop in ranges:
            self.keeping.pin(target, first, stop, self.variants_of(target))
        return self._save_pins()

    def unpin(self, ranges: Iterable[Pinned]) -> Future[None]:
        """Let blocks go when their turn comes."""
        for target, first, stop in ranges:
            self.keeping.unpin(target, first, stop, self.variants_of(target))
        return self._save_pins()

    def passed_by(self, entry: Entry, block: int) -> None:
        """A block was fetched and is not kept."""
        self.keeping.passed_by_blocks_total += 1
        if entry.present[block] in (ABSENT, EVICTED):
            entry.present[block] = PASSED_BY
            if entry.borrowers:
                self.sharing.let_go(entry, block)

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
        if entry.loan is not None:
            # Its owner counts it; the file is open already.
            return True
        victims: list[tuple[Entry, int]] | None = []
        if self.keeping.is_current(entry) and not entry.replaced:
            victims = self.keeping.admit(entry, block)
        elif not (entry.readers or entry.borrowers):
            victims = None
        if victims is None:
            self._remove_file(entry, block)
            return False
        entry.present[block] = HELD
        self._empty.pop(entry, None)
        self.open_files.keep(entry, block, file)
        if entry.borrowers:
            self.sharing.held(entry, block)
        for victim in victims:
            self._evict(*victim)
        return True

    def unsaved(self, entry: Entry, block: int) -> None:
        """A block that came in whole is not kept."""
        if entry.borrowers:
            self.sharing.unsaved(entry, block)

    def bury(self, entry: Entry) -> None:
        """The last reader of a version without a key has left: its files go."""
        self._departures.add(entry)

    def disk_failed(self, disk: Disk, error: BaseException | None) -> None:
        """A write failed; the block is served from memory and not held.

        A full disk has less room than it was said to have: the least used make some.
        """
        self._log.warning("block not written", disk=str(disk.path), error=repr(error))
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            for _ in range(_MADE_ROOM_BLOCKS):
                victim = self.keeping.pop(disk)
                if victim is not None:
                    self._evict(*victim)

    async def open(self) -> None:
        """Prepare the disks; what they hold is found by `loading`, before or while we serve.

        Raises OSError.
        """
        first = self.disks[0]
        if not await self._loop.run_in_executor(first.threads, self.keeping.pins.load):
            self._log.error("the pins cannot be read, so nothing is pinned", disk=str(first.path))
        await self.loading.prepare()

    async def load(self) -> None:
        """Open, and find all that the disks hold. Raises OSError."""
        await self.open()
        self.loading.start()
        await self.loading.ended

    async def close(self) -> None:
        """Finish writing and mark the disks clean, but for those in doubt."""
        await self.loading.stop()
        self._departures.finish()
        for disk in self.disks:
            await self._loop.run_in_executor(None, disk.close, self.finding.is_in_order(disk))

    def _enrol(self, entry: Entry) -> None:
        entry.store_id = self._next_number
        self._next_number += 1
        self.keeping.enrol(entry)
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

    def _forget(self, entry: Entry, loss: MissClass | None) -> None:
        entry.replaced = True
        self._unrecorded.discard(entry)
        entry.cool()
        del self.entries[entry.key]
        self.borrowed_entries -= not self.keeping.is_current(entry)
        if entry.borrowers:
            self.sharing.gone(entry, loss)
        self._empty.pop(entry, None)
        self.names.tags.forget(entry)
        self._departures.add(entry)

    def _release(self, entry: Entry, block: int) -> None:
        """A block of a version without a key: its room is free, its file goes with its readers."""
        self.keeping.remove(entry, block)
        if not (entry.readers or entry.borrowers):
            entry.present[block] = ABSENT
            self.open_files.close(entry, block)
            self._remove_file(entry, block)

    def _released(self, entry: Entry) -> None:
        self.keeping.forget(entry)
        if entry.loan is not None and not entry.readers:
            self.sharing.released(entry)

    def _evict(self, entry: Entry, block: int) -> None:
        if entry.replaced:
            # On its way out already, and out of the index with this.
            self._release(entry, block)
            return
        self.evicted_blocks_total += 1
        self.evicted_bytes_total += entry.block_size(block)
        entry.present[block] = EVICTED
        if entry.borrowers:
            self.sharing.let_go(entry, block)
        self.open_files.close(entry, block)
        self._remove_file(entry, block)
        if HELD in entry.present or UNVERIFIED in entry.present:
            return
        if entry.growing or entry.readers:
            self._empty[entry] = None
        else:
            self.remove(entry, MissClass.EVICTED)

    def _lost(self, entry: Entry, block: int, error: Exception) -> None:
        entry.present[block] = ABSENT
        self.open_files.close(entry, block)
        if entry.loan is not None:
            # Its owner may have let it go a moment ago: no news but a checksum that does not fit.
            if isinstance(error, CorruptBlockError):
                self.sharing.doubted(entry, block)
            return
        self.corrupt_blocks_total += 1
        if entry.borrowers:
            self.sharing.let_go(entry, block)
        self.keeping.remove(entry, block)
        self._log.warning("block lost", key=entry.key, block=block, error=str(error))
        self._remove_file(entry, block)
        if not (entry.replaced or HELD in entry.present or UNVERIFIED in entry.present):
            self._empty[entry] = None

    def _reopen(self, entry: Entry, block: int) -> BlockFile | None:
        try:
            file = self.files.reopen(entry, block)
        except (OSError, CorruptBlockError) as error:
            if isinstance(error, OSError) and error.errno in NO_DESCRIPTOR:
                # Nothing is wrong with the block: the next one to ask finds descriptors.
                self.open_files.close_oldest(len(self.open_files) // 2)
            else:
                self._lost(entry, block, error)
            return None
        if not entry.replaced and not self.files.is_resident(entry, block, file):
            # Sending it would stop the thread: a thread of the disk's reads (and checks) it first.
            entry.present[block] = UNVERIFIED
            return None
        self.open_files.keep(entry, block, file)
        return file

    def _touch(self, entry: Entry, block: int) -> None:
        if entry.loan is not None:
            entry.loan.touched.add(block)
            self.sharing.used(entry)
        else:
            self.keeping.hit(entry, block)
        self.open_files.used(entry, block)

    def _remove_file(self, entry: Entry, block: int) -> None:
        if entry.loan is None:
            self.files.remove_block(entry, block)

    def _save_pins(self) -> Future[None]:
        pins = self.keeping.pins
        return self.files.save(self.disks[0], "pins", partial(pins.save, pins.to_bytes()))
