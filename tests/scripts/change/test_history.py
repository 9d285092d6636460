"""What was true before is kept, and one at a time changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdnkit.errors import ConflictError
from scripts.change.history import BEGAN, DONE, ROLLED_BACK, History, Record, changing, write_whole
from scripts.cli.errors import UsageError

AT, WHO = "2026-01-01T00:00:00+00:00", "ann@host"


def test_the_first_change_keeps_what_was_found(tmp_path: Path) -> None:
    history = History(tmp_path / "topology.yaml")
    assert history.records() == []
    assert history.begin(b"new", b"old", AT, WHO) == 2
    assert history.copy_of(1).read_bytes() == b"old"
    assert history.copy_of(2).read_bytes() == b"new"
    assert [(r.number, r.outcome) for r in history.records()] == [(1, DONE), (2, BEGAN)]


def test_the_last_line_of_a_change_counts_and_what_failed_is_not_gone_back_to(
    tmp_path: Path,
) -> None:
    history = History(tmp_path / "topology.yaml")
    with pytest.raises(UsageError, match="nothing to go back to"):
        history.before_current()
    for content, outcome in ((b"a", DONE), (b"b", ROLLED_BACK), (b"c", DONE)):
        number = history.begin(content, b"found", AT, WHO)
        history.note(Record(number, AT, WHO, outcome, "why"))
    assert [r.outcome for r in history.records()] == [DONE, DONE, ROLLED_BACK, DONE]
    assert history.before_current() == 2
    with pytest.raises(UsageError, match="there is no change 9; there are: 1, 2, 3, 4"):
        history.copy_of(9)


def test_a_second_change_is_refused_with_who_makes_the_first(tmp_path: Path) -> None:
    running = tmp_path / "topology.yaml"
    with changing(running, WHO, AT):
        refused = pytest.raises(ConflictError, match=f"is being changed by {WHO} since 2026")
        with refused as caught, changing(running, "bob@host", AT):
            raise AssertionError
        assert str(running) in caught.value.detail
    with changing(running, "bob@host", AT):
        pass


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    write_whole(path, b"one")
    before = path.stat().st_ino
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [path]
