"""The entries of a worker and the blocks it holds, over all its disks.

Keeps three things in step: the entries by key, the index that decides who leaves, and the files.
Everything that blocks runs on the disks' threads; the maps belong to the loop's thread.
"""

from __future__ import annotations

import asyncio
import resource
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import structlog
from cachetools import LRUCache

from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import Freshness, LifetimeSource, variant_key, vary_names
from cdnkit.placement import Node, rank
from cdnkit.wire import MissClass
from edge.blockfile import BlockFile
from edge.cache.disk import CorruptBlockError, Disk, FoundObject
from edge.cache.index import LruIndex
from edge.entry import ABSENT, EVICTED, HELD, UNVERIFIED, Entry, StoredHead, name_of

_SEPARATOR: Final = b"\n"
"""Between the target and the variant in a key; no target contains it."""
_REMEMBERED_LOSSES: Final = 100_000


class Holdings:
    """What this worker holds. Call `load` once before serving."""

    def __init__(self, disks: Sequence[Disk], loop: asyncio.AbstractEventLoop) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.disks = list(disks)
        self.evicted_blocks_total = 0
        self.evicted_bytes_total = 0
        self.corrupt_blocks_total = 0
        self._loop = loop
        self._log = structlog.get_logger("edge.holdings")
        self._nodes = {disk.path.as_posix(): disk for disk in self.disks}
        self._indexes = {disk: LruIndex[tuple[int, int]](disk.size_bytes) for disk in self.disks}
        self._by_number: dict[int, Entry] = {}
        self._next_number = 1
        self._varying: dict[bytes, tuple[bytes, ...]] = {}
        self._losses: LRUCache[bytes, MissClass] = LRUCache(_REMEMBERED_LOSSES)
        self._open: deque[tuple[Entry, int]] = deque()
        self._open_max = max(256, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)

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
        if len(self.disks) == 1:
            return self.disks[0]
        nodes = [Node(name, float(disk.size_bytes)) for name, disk in self._nodes.items()]
        return self._nodes[rank(target, nodes)[0].name]

    def put(self, target: bytes, request: FieldLines, entry: Entry) -> None:
        """Let a new version take its key; the old one's blocks go, its readers keep theirs."""
        names = vary_names(FieldLines(entry.head.pairs)) or ()
        if names:
            self._varying[target] = names
        else:
            self._varying.pop(target, None)
        entry.key = self.key_of(target, request)
        entry.object_id = name_of(entry.key)
        old = self.entries.get(entry.key)
        if old is not None:
            self._forget(old)
        self._enrol(entry)
        self.save_entry(entry)

    def save_entry(self, entry: Entry) -> None:
        """Write what is known of an entry, in the background."""
        self._in_background(entry.disk, entry.disk.write_entry, entry.object_id, _record_of(entry))

    def remove(self, entry: Entry, loss: MissClass) -> None:
        """Nothing of this entry is served again."""
        if self.entries.get(entry.key) is entry:
            self._losses[entry.key] = loss
            self._forget(entry)
            self._in_background(entry.disk, entry.disk.remove_entry, entry.object_id)

    def replaced(self, entry: Entry) -> None:
        """The origin has another version now: the next request asks for it."""
        self.remove(entry, MissClass.EXPIRED)

    def distrust(self) -> None:
        """Whatever is held may have changed unnoticed: ask before it is served again."""
        for entry in self.entries.values():
            head = entry.head
            entry.renew(replace(head, freshness=replace(head.freshness, lifetime_seconds=0)))

    def variants_of(self, target: bytes) -> list[Entry]:
        """Every entry held for a target."""
        plain = self.entries.get(target)
        prefix = target + _SEPARATOR
        found = [] if plain is None else [plain]
        if target in self._varying:
            found += [entry for key, entry in self.entries.items() if key.startswith(prefix)]
        return found

    def open_block(self, entry: Entry, block: int) -> BlockFile | None:
        """The block's open file, None when it is not held (or not to be trusted)."""
        file = entry.files[block]
        if file is not None:
            return file
        state = entry.present[block]
        if state in (ABSENT, EVICTED):
            return None
        try:
            if state == UNVERIFIED:
                file = entry.disk.verify_block(
                    entry.object_id, entry.version, block, entry.block_size(block)
                )
                entry.present[block] = HELD
            else:
                file = entry.disk.open_block(entry.object_id, entry.version, block)
        except (OSError, CorruptBlockError) as error:
            self._lost(entry, block, error)
            return None
        self._keep_open(entry, block, file)
        return file

    def touch(self, entry: Entry, first: int, stop: int) -> None:
        """Blocks [first, stop) were used."""
        index = self._indexes[entry.disk]
        for block in range(first, stop):
            index.touch((entry.store_id, block))

    def touch_recent(self, stirred: list[Entry]) -> None:
        """Blocks that the fast lane served since the last time; empties the list."""
        for entry in stirred:
            recent, entry.recent = entry.recent, None
            if recent is not None and not entry.replaced:
                index = self._indexes[entry.disk]
                block = recent.find(1)
                while block >= 0:
                    index.touch((entry.store_id, block))
                    block = recent.find(1, block + 1)
        stirred.clear()

    def admit(self, entry: Entry, block: int, file: BlockFile) -> bool:
        """A block's file is in place: hold it and let the least used go."""
        if self._by_number.get(entry.store_id) is not entry:
            return False
        victims = self._indexes[entry.disk].admit((entry.store_id, block), entry.block_size(block))
        if victims is None:
            return False
        entry.present[block] = HELD
        self._keep_open(entry, block, file)
        for number, victim in victims:
            self._evict(self._by_number[number], victim)
        return True

    def disk_failed(self, disk: Disk, error: BaseException | None) -> None:
        """A write failed; the block is served from memory and not held."""
        self._log.warning("block not written", disk=str(disk.path), error=repr(error))

    async def load(self) -> None:
        """Find what the disks hold; blocks are verified at first use after an unclean stop."""
        for disk in self.disks:
            clean = await self._loop.run_in_executor(disk.threads, disk.prepare)
            found = await self._loop.run_in_executor(disk.threads, _scan, disk)
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

    def _forget(self, entry: Entry) -> None:
        entry.replaced = True
        entry.revision += 1
        del self.entries[entry.key]
        del self._by_number[entry.store_id]
        index = self._indexes[entry.disk]
        for block in _held_blocks(entry):
            index.remove((entry.store_id, block))
            self._in_background(
                entry.disk, entry.disk.remove_block, entry.object_id, entry.version, block
            )

    def _evict(self, entry: Entry, block: int) -> None:
        self.evicted_blocks_total += 1
        self.evicted_bytes_total += entry.block_size(block)
        entry.present[block] = EVICTED
        entry.files[block] = None
        self._in_background(
            entry.disk, entry.disk.remove_block, entry.object_id, entry.version, block
        )
        if not entry.growing and not entry.readers and next(_held_blocks(entry), None) is None:
            self.remove(entry, MissClass.EVICTED)

    def _lost(self, entry: Entry, block: int, error: Exception) -> None:
        self.corrupt_blocks_total += 1
        entry.present[block] = ABSENT
        self._indexes[entry.disk].remove((entry.store_id, block))
        self._log.warning("block lost", key=entry.key, block=block, error=str(error))
        self._in_background(
            entry.disk, entry.disk.remove_block, entry.object_id, entry.version, block
        )

    def _keep_open(self, entry: Entry, block: int, file: BlockFile) -> None:
        entry.files[block] = file
        self._open.append((entry, block))
        if len(self._open) > self._open_max:
            # First opened, first closed: a block in use is simply opened again.
            oldest, number = self._open.popleft()
            oldest.files[number] = None

    def _restore(self, disk: Disk, found: FoundObject, state: int) -> None:
        entry = _entry_from(found, disk)
        if entry is None:
            self._in_background(disk, disk.remove_object, found.object_id)
            return
        self._enrol(entry)
        target, _, _ = entry.key.partition(_SEPARATOR)
        names = vary_names(FieldLines(entry.head.pairs)) or ()
        if names:
            self._varying[target] = names
        index = self._indexes[disk]
        for version, blocks in found.blocks.items():
            for block in blocks:
                if version != entry.version or block >= entry.count:
                    self._in_background(disk, disk.remove_block, entry.object_id, version, block)
                    continue
                entry.present[block] = state
                for number, victim in (
                    index.admit((entry.store_id, block), entry.block_size(block)) or ()
                ):
                    self._evict(self._by_number[number], victim)

    def _in_background(self, disk: Disk, function: Any, *arguments: Any) -> None:
        try:
            disk.threads.submit(function, *arguments)
        except RuntimeError:
            self._log.warning("disk is closed", disk=str(disk.path))


def _scan(disk: Disk) -> list[FoundObject]:
    return list(disk.scan())


def _held_blocks(entry: Entry) -> Iterator[int]:
    for block, state in enumerate(entry.present):
        if state in (HELD, UNVERIFIED):
            yield block


def _record_of(entry: Entry) -> dict[str, Any]:
    head = entry.head
    return {
        "key": entry.key.decode("latin-1"),
        "status": head.status,
        "fields": _as_text(head.pairs),
        "request_fields": _as_text(entry.request_pairs),
        "requested_at": head.requested_at,
        "received_at": head.received_at,
        "freshness": {**asdict(head.freshness), "source": head.freshness.source.value},
        "size_bytes": entry.size_bytes,
        "block_bytes": entry.block_bytes,
        "version": entry.version,
    }


def _entry_from(found: FoundObject, disk: Disk) -> Entry | None:
    record = found.entry
    try:
        freshness = dict(record["freshness"])
        freshness["source"] = LifetimeSource(freshness["source"])
        head = StoredHead(
            record["status"],
            _as_pairs(record["fields"]),
            record["requested_at"],
            record["received_at"],
            Freshness(**freshness),
        )
        entry = Entry(
            record["key"].encode("latin-1"),
            head,
            record["size_bytes"],
            record["block_bytes"],
            _as_pairs(record["request_fields"]),
            disk,
        )
    except (KeyError, TypeError, ValueError):
        return None
    entry.version = record["version"]
    return entry if entry.object_id == found.object_id else None


def _as_text(pairs: Sequence[Pair]) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in pairs]


def _as_pairs(text: list[list[str]]) -> list[Pair]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in text]
