"""Of what is found on a disk only that becomes an entry which an entry can be."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path
from typing import Any

import pytest

from edge.cache.disk import Disk, FoundObject
from edge.cache.files import Files
from edge.cache.keeping import Keeping, lru_index
from edge.cache.names import Names
from edge.cache.records import record_of
from edge.cache.restoring import Restoring
from edge.entry import ABSENT, HELD, UNVERIFIED, Entry
from tests.edge.made import BLOCK, an_entry
from tests.helpers.clock import FakeClock


class Made:
    """Restores onto one disk with room for five blocks, and notes what is done."""

    def __init__(self, path: Path) -> None:
        self.disk = Disk(path, 5 * BLOCK)
        self.disk.prepare()
        self.entries: dict[bytes, Entry] = {}
        self.with_blocks: set[Entry] = set()
        self.evicted: list[int] = []
        self.keeping = Keeping([self.disk], lru_index, FakeClock(0.0))
        self.restoring = Restoring(
            *(self.entries, self.keeping, Files(self.disk), Names()),
            *(self.enrol, self.with_blocks.add, self.evict),
        )

    def enrol(self, entry: Entry) -> None:
        self.keeping.enrol(entry)
        self.entries[entry.key] = entry

    def evict(self, entry: Entry, block: int) -> None:
        entry.present[block] = ABSENT
        self.evicted.append(block)

    def find(self, size: int, *blocks: int, state: int = HELD, **changes: Any) -> Entry | None:
        """Restore an object that was found with these blocks of its version."""
        entry = an_entry(size)
        found = FoundObject(
            entry.object_id,
            {**record_of(entry), **changes},
            {entry.files_name: array("Q", blocks)},
        )
        for block in blocks:
            self.disk.write_block(entry.object_id, entry.files_name, block, memoryview(b"x"))
        return self.restoring.restore(self.disk, found, state)

    def files(self) -> list[str]:
        """The block files there are once all removals are done."""
        self.disk.threads.shutdown(wait=True)
        return sorted(path.name.rpartition("-")[2] for path in self.disk.path.glob("??/*/*-*"))


@pytest.fixture
async def made(tmp_path: Path) -> Made:
    asyncio.get_running_loop()
    return Made(tmp_path)


@pytest.mark.parametrize("state", [HELD, UNVERIFIED])
async def test_blocks_are_held_in_the_state_the_last_stop_left_them(made: Made, state: int) -> None:
    entry = made.find(4 * BLOCK - 1, 0, 3, state=state)
    assert entry is not None
    assert list(entry.present) == [state, ABSENT, ABSENT, state]
    assert made.with_blocks == {entry}
    assert made.files() == ["0", "3"]


async def test_blocks_beyond_the_end_go(made: Made) -> None:
    entry = made.find(2 * BLOCK, 0, 2, 9)
    assert entry is not None
    assert list(entry.present) == [HELD, ABSENT]
    assert made.files() == ["0"]


async def test_what_has_no_room_is_evicted_as_it_comes(made: Made) -> None:
    entry = made.find(7 * BLOCK, *range(7))
    assert entry is not None
    assert made.evicted == [0, 1]
    assert sum(entry.present) == 5 * HELD


async def test_an_entry_without_blocks_is_one(made: Made) -> None:
    assert made.find(BLOCK) is not None
    assert not made.with_blocks


async def test_a_key_that_is_taken_and_a_record_that_is_none_go_with_their_files(
    made: Made,
) -> None:
    assert made.find(2 * BLOCK, 0, status="?") is None
    assert not made.entries
    made.entries[b"/a"] = an_entry(BLOCK)
    assert made.find(2 * BLOCK, 1) is None
    assert made.files() == []
