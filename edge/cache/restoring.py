"""An object found on a disk becomes an entry with blocks, and what is no part of it goes.

Which objects are read, and when, is `edge.cache.loading`'s business; each comes here once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping

from edge.cache.disk import Disk, FoundObject
from edge.cache.files import Files
from edge.cache.keeping import Keeping
from edge.cache.names import Names
from edge.entry import Entry


class Restoring:
    """`enrol` lets an entry take its key, `has_blocks` is told that it has some, `evict` lets go of
    a block that has no room."""

    def __init__(
        self,
        entries: Mapping[bytes, Entry],
        keeping: Keeping,
        files: Files,
        names: Names,
        enrol: Callable[[Entry], None],
        has_blocks: Callable[[Entry], None],
        evict: Callable[[Entry, int], None],
    ) -> None:
        self._entries = entries
        self._keeping = keeping
        self._files = files
        self._names = names
        self._enrol = enrol
        self._has_blocks = has_blocks
        self._evict = evict

    def restore(self, disk: Disk, found: FoundObject, state: int) -> Entry | None:
        """The entry of an object, its blocks in `state`; None when it cannot be one."""
        entry = self._files.entry_from(found, disk)
        if entry is None or entry.key in self._entries:
            self._files.remove_object(disk, found.object_id)
            return None
        self._enrol(entry)
        self._names.found(entry)
        for name, blocks in found.blocks.items():
            stop = entry.count if name == entry.files_name else 0
            for block in filter(stop.__le__, blocks):
                self._files.remove_named(disk, found.object_id, name, block)
            self._restore_blocks(entry, array("Q", filter(stop.__gt__, blocks)), state)
        self._keeping.pin_held(entry)
        return entry

    def _restore_blocks(self, entry: Entry, blocks: array[int], state: int) -> None:
        # Only the last block may be shorter; all others go in at once when there is room.
        last = entry.count - 1
        whole = array("Q", filter(last.__gt__, blocks))
        if whole and self._keeping.admit_all(entry, whole):
            for block in whole:
                entry.present[block] = state
            self._has_blocks(entry)
            blocks = array("Q", filter(last.__eq__, blocks))
        for block in blocks:
            self._restore_block(entry, block, state)

    def _restore_block(self, entry: Entry, block: int, state: int) -> None:
        victims = self._keeping.admit(entry, block)
        if victims is None:
            self._files.remove_block(entry, block)
            return
        entry.present[block] = state
        self._has_blocks(entry)
        for victim in victims:
            self._evict(*victim)
