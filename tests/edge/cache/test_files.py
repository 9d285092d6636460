"""File work is done in order, and what is written down of entries can be waited for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdnkit.fields import FieldLines
from cdnkit.freshness import CDN, assess
from edge.cache.disk import CorruptBlockError, Disk
from edge.cache.files import Files
from edge.cache.giving_way import NICENESS
from edge.entry import Entry, StoredHead
from tests.edge.cache.test_giving_way import niceness
from tests.edge.made import STRONG


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Entry]:
    disk = Disk(tmp_path, 1 << 30)
    disk.prepare()
    freshness = assess(200, FieldLines([STRONG]), 0.0, 0.0, CDN)
    made = Entry(b"/a", StoredHead(200, [STRONG], 0.0, 0.0, freshness), 250, 100, (), disk)
    yield made
    disk.close(in_order=False)


class HeldUp:
    """Blocks whose writing begins and does not end before a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_end = threading.Event()
        self.begun = threading.Event()
        self.at_once = self.most_at_once = 0
        self.niceness: set[int] = set()
        self.write = write = Disk.write_block

        def held_up(disk: Disk, *arguments: object) -> object:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.niceness.add(niceness())
            self.begun.set()
            self.may_end.wait(10)
            self.at_once -= 1
            return write(disk, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Disk, "write_block", held_up)


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldUp]:
    made = HeldUp(monkeypatch)
    yield made
    made.may_end.set()


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


def test_one_block_is_written_at_a_time_by_a_thread_that_gives_way(
    entry: Entry, held_up: HeldUp
) -> None:
    files, content = Files(entry.disk), memoryview(b"x" * 100)
    writing = [
        files.write_block(entry, block, content[: entry.block_size(block)])
        for block in range(entry.count)
    ]
    assert held_up.begun.wait(10)
    held_up.may_end.set()
    for each in writing:
        each.result(10)
    assert held_up.most_at_once == 1
    assert held_up.niceness == {min(niceness() + NICENESS, 19)}


async def test_what_viewers_and_orders_wait_for_is_not_behind_blocks_to_be_written(
    entry: Entry, held_up: HeldUp
) -> None:
    """The disk takes no block, and three are waiting for it."""
    files, content = Files(entry.disk), b"x" * 100
    entry.disk.write_entry(entry.object_id, {})
    held_up.write(entry.disk, entry.object_id, entry.files_name, 1, memoryview(content))
    writing = [files.write_block(entry, block, memoryview(content)) for block in (0, 3, 4)]
    # Its name has a write that has not begun: it waits there, and keeps nobody from anything.
    files.remove_block(entry, 4)
    assert held_up.begun.wait(10)
    verified = files.verify_block(entry, 1).result(10)
    assert os.pread(verified.fd, 200, 0)[:100] == content
    files.remove_block(entry, 1)
    files.save_entry(entry)
    assert await files.recorded()
    assert not any(each.done() for each in writing)
    held_up.may_end.set()
    entry.disk.close()
    assert [each.done() for each in writing] == [True] * 3
    assert sorted(path.name[-2:] for path in entry.disk.path.glob("??/*/*-*")) == ["-0", "-3"]
