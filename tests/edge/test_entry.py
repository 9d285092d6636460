"""What one version knows of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import CDN, assess
from edge.blockfile import BlockFile
from edge.cache.disk import Disk
from edge.entry import ABSENT, HELD, Entry, Loan, NotHeldError, StoredHead, name_of

BLOCK = 100


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    made = Disk(Path("/nonexistent"), 1 << 30)
    yield made
    made.threads.shutdown()


def an_entry(disk: Disk, size: int, *pairs: Pair, received_at: float = 1.0) -> Entry:
    freshness = assess(200, FieldLines(pairs), 0.0, received_at, CDN)
    return Entry(b"/a", StoredHead(200, pairs, 0.0, received_at, freshness), size, BLOCK, (), disk)


STRONG, WEAK = (b"etag", b'"x"'), (b"etag", b'W/"x"')
DATED = (b"last-modified", b"Tue, 01 Jul 2025 00:00:00 GMT")


def test_files_of_a_run_are_given_only_if_all_are_open(disk: Disk) -> None:
    entry = an_entry(disk, 4 * BLOCK)
    files = [BlockFile(os.open(os.devnull, os.O_RDONLY)) for _ in range(3)]
    entry.files[1:] = files
    assert entry.open_files(1, 4) == files
    assert entry.open_files(2, 3) == [files[1]]
    assert entry.open_files(0, 2) is None


@given(st.integers(0, 10 * BLOCK))
def test_blocks_cover_the_content_exactly(disk: Disk, size: int) -> None:
    entry = an_entry(disk, size)
    assert sum(map(entry.block_size, range(entry.count))) == size
    assert all(0 < entry.block_size(block) <= BLOCK for block in range(entry.count))


@pytest.mark.parametrize(
    ("pairs", "rangeable"), [([STRONG], True), ([WEAK], False), ([DATED], False), ([], False)]
)
def test_only_a_strong_tag_lets_parts_be_combined(
    disk: Disk, pairs: list[Pair], rangeable: bool
) -> None:
    early = an_entry(disk, 500, *pairs, received_at=1.0)
    late = an_entry(disk, 500, *pairs, received_at=2.0)
    assert early.is_rangeable is rangeable
    assert (early.version == late.version) is rangeable
    assert early.version != an_entry(disk, 501, *pairs).version


def test_an_empty_content_is_complete(disk: Disk) -> None:
    assert an_entry(disk, 0, WEAK).is_complete


def test_a_newer_head_changes_lines_but_no_block(disk: Disk) -> None:
    entry = an_entry(disk, 5 * BLOCK, STRONG)
    entry.present[1] = HELD
    newer = an_entry(disk, 5 * BLOCK, STRONG, (b"x-new", b"yes")).head
    entry.renew(newer)
    assert b"yes" in entry.lines
    assert list(entry.present) == [ABSENT, HELD, ABSENT, ABSENT, ABSENT]


@given(st.binary(), st.binary())
def test_names_of_keys_are_equal_when_the_keys_are(first: bytes, second: bytes) -> None:
    assert (name_of(first) == name_of(second)) == (first == second)


def test_who_waits_gets_the_file_or_hears_that_there_is_none(tmp_path: Path) -> None:
    loan = Loan(1, 7)
    held, lost = Future[BlockFile](), Future[BlockFile]()
    loan.waiting.update({3: held, 4: lost})
    (tmp_path / "a").touch()
    file = BlockFile(os.open(tmp_path / "a", os.O_RDONLY))
    loan.settle(3, file)
    loan.settle(4, None)
    loan.settle(5, None)
    assert held.result() is file
    with pytest.raises(NotHeldError):
        lost.result()
    assert not loan.waiting


def test_nobody_waits_for_an_owner_that_is_gone() -> None:
    loan, waiting = Loan(1, 7), Future[BlockFile]()
    loan.waiting[0] = waiting
    loan.end()
    assert not loan.up
    assert isinstance(waiting.exception(), NotHeldError)


def test_variants_of_a_target_stand_on_its_shelf() -> None:
    assert name_of(b"/a\nde")[:2] == name_of(b"/a")[:2]
    assert len({name_of(b"/a"), name_of(b"/a\nde"), name_of(b"/a\nfr")}) == 3
