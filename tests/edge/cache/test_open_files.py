"""Open files: the bound holds, the least recently used go first, the unused are swept."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.blockfile import BlockFile
from edge.cache.open_files import OpenFiles
from edge.entry import Entry
from tests.edge.made import an_entry

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("keep", "keep", "used", "used", "close", "oldest", "sweep")),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=60,
)


def three_entries() -> list[Entry]:
    entries = [an_entry(300, key=b"/%d" % number) for number in range(3)]
    for number, entry in enumerate(entries, 1):
        entry.store_id = number
    return entries


def opened() -> BlockFile:
    return BlockFile(os.open(os.devnull, os.O_RDONLY))


@given(ACTIONS, st.integers(1, 5))
def test_files_are_closed_in_the_order_of_use(
    actions: list[tuple[str, int, int]], files_max: int
) -> None:
    entries, files = three_entries(), OpenFiles(files_max)
    expected: list[tuple[int, int]] = []
    for action, number, block in actions:
        unit, entry = (number, block), entries[number]
        match action:
            case "keep" if unit not in expected:
                files.keep(entry, block, opened())
                expected = [*expected, unit][-files_max:]
            case "used":
                files.used(entry, block)
                if unit in expected:
                    expected.remove(unit)
                    expected.append(unit)
            case "close":
                files.close(entry, block)
                expected = [each for each in expected if each != unit]
            case "oldest":
                files.close_oldest(number)
                expected = expected[number:]
            case "sweep":
                files.sweep()
                files.sweep()
                expected = []
        held = {(n, b) for n, e in enumerate(entries) for b in range(3) if e.files[b] is not None}
        assert held == set(expected)
        assert len(files) == len(expected) <= files_max


def test_a_sweep_closes_what_was_not_used_since_the_last() -> None:
    (entry, *_), files = three_entries(), OpenFiles(10)
    for block in range(3):
        files.keep(entry, block, opened())
    files.sweep()
    assert len(files) == 3, "all were opened since"
    files.used(entry, 1)
    files.sweep()
    assert [file is not None for file in entry.files] == [False, True, False]
    files.sweep()
    assert len(files) == 0


def test_whoever_holds_a_file_keeps_it(tmp_path: Path) -> None:
    (entry, *_), files = three_entries(), OpenFiles(10)
    (tmp_path / "block").write_bytes(b"content")
    held = BlockFile(os.open(tmp_path / "block", os.O_RDONLY))
    files.keep(entry, 0, held)
    files.close(entry, 0)
    assert os.pread(held.fd, 7, 0) == b"content"
