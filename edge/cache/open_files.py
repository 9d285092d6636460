"""Block files that are open, least recently used first: how many, and how long unused."""

from __future__ import annotations

import resource
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from edge.blockfile import BlockFile
from edge.cache.residency import is_resident

if TYPE_CHECKING:
    from edge.entry import Entry

__all__ = ["BlockFile", "OpenFiles", "is_resident"]

_MARK: Final = (-1, -1)
"""Stands behind what was used before the last sweep; no entry has this number."""

_OPEN_MAX = 100_000
"""Each takes memory of the process and of the system, opening takes little."""


class OpenFiles:
    """At most `files_max` of them; `entry.files` holds each where the lanes look."""

    def __init__(self, files_max: int) -> None:
        self._files_max = files_max
        self._entries: OrderedDict[tuple[int, int], Entry | None] = OrderedDict()
        self._entries[_MARK] = None

    def __len__(self) -> int:
        return len(self._entries) - 1

    def keep(self, entry: Entry, block: int, file: BlockFile) -> None:
        """A block's file was opened; the least recently used may have to go for it."""
        entry.files[block] = file
        self._entries[entry.store_id, block] = entry
        if len(self) > self._files_max:
            self.close_oldest(1)

    def used(self, entry: Entry, block: int) -> None:
        """A block was used, open or not."""
        unit = (entry.store_id, block)
        if unit in self._entries:
            self._entries.move_to_end(unit)

    def close(self, entry: Entry, block: int) -> None:
        """A block's file is not wanted any more; answers under way keep it."""
        entry.files[block] = None
        self._entries.pop((entry.store_id, block), None)

    def close_oldest(self, count: int) -> None:
        """Close the `count` least recently used."""
        for _ in range(min(count, len(self))):
            unit, entry = self._entries.popitem(last=False)
            if entry is None:
                self._entries[unit] = None
                unit, entry = self._entries.popitem(last=False)
            assert entry is not None
            entry.files[unit[1]] = None

    def sweep(self) -> None:
        """Close what was not used since the last sweep: it is looked at again when it is opened."""
        while True:
            unit, entry = self._entries.popitem(last=False)
            if entry is None:
                self._entries[unit] = None
                return
            entry.files[unit[1]] = None


def open_files_max() -> int:
    """How many a worker may keep open: half of what the system allows, within reason."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(max(256, descriptors // 2), _OPEN_MAX)
