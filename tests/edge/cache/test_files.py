"""File work is done in order, and what is written down of entries can be waited for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cdnkit.fields import FieldLines
from cdnkit.freshness import CDN, assess
from edge.cache.disk import CorruptBlockError, Disk
from edge.cache.files import Files
from edge.entry import Entry, StoredHead
from tests.edge.made import STRONG


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    disk = Disk(tmp_path, 1 << 30)
    disk.prepare()
    freshness = assess(200, FieldLines([STRONG]), 0.0, 0.0, CDN)
    made = Entry(b"/a", StoredHead(200, [STRONG], 0.0, 0.0, freshness), 250, 100, (), disk)
    yield made
    disk.threads.shutdown()


async def test_what_is_recorded_is_on_disk(entry: Entry) -> None:
    files = Files(entry.disk)
    for _ in range(3):
        files.save_entry(entry)
        files.remove_entry(entry)
    files.save_entry(entry)
    await files.recorded()
    (found,) = entry.disk.scan()
    again = files.entry_from(found, entry.disk)
    assert again is not None
    assert again.key == b"/a"
    await files.recorded()


def test_a_block_is_written_opened_and_removed_in_this_order(entry: Entry, tmp_path: Path) -> None:
    files = Files(entry.disk)
    files.write_block(entry, 2, memoryview(b"x" * 50)).result()
    assert files.reopen(entry, 2).fd > 0
    assert files.verify_block(entry, 2).result() is not None
    files.remove_block(entry, 2)
    with pytest.raises(FileNotFoundError):
        files.verify_block(entry, 2).result()
    assert not list(tmp_path.glob("??/*/*-2"))


def test_a_file_of_the_wrong_length_is_not_opened(entry: Entry) -> None:
    files = Files(entry.disk)
    files.write_block(entry, 0, memoryview(b"x" * 50)).result()
    with pytest.raises(CorruptBlockError, match="length"):
        files.reopen(entry, 0)
