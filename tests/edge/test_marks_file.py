"""Which marks are good outlives the process, and no place is kept before them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from edge.marks_file import MARKS_NAME, KeptMarks, read_marks, write_marks
from edge.trust import BEFORE_MARKS, NOTHING_GOOD, Marks

KEPT = Marks(frozenset({"a", "b"}), frozenset({"b"}))


def at_once(name: str, writing: Callable[[], None]) -> Future[None]:
    done: Future[None] = Future()
    try:
        writing()
    except OSError as error:
        done.set_exception(error)
    else:
        done.set_result(None)
    return done


def test_marks_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / MARKS_NAME
    assert read_marks(path) == BEFORE_MARKS
    write_marks(path, KEPT)
    assert read_marks(path) == KEPT


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 100_000])
def test_damaged_marks_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / MARKS_NAME).write_text(text)
    assert read_marks(tmp_path / MARKS_NAME) is None
    assert not KeptMarks(at_once).keep_in(tmp_path / MARKS_NAME)


def test_where_nothing_is_good_nothing_is_trusted(tmp_path: Path) -> None:
    write_marks(tmp_path / MARKS_NAME, NOTHING_GOOD)
    assert not KeptMarks(at_once).keep_in(tmp_path / MARKS_NAME)


def test_what_was_given_up_before_there_was_a_file_stays_so(tmp_path: Path) -> None:
    kept = KeptMarks(at_once)
    kept.trust.renounce()
    marks = kept.trust.marks
    assert kept.keep_in(tmp_path / MARKS_NAME)
    assert kept.trust.marks == marks == read_marks(tmp_path / MARKS_NAME)


async def test_what_was_given_up_stays_so(tmp_path: Path) -> None:
    path = tmp_path / MARKS_NAME
    write_marks(path, KEPT)
    kept = KeptMarks(at_once)
    assert kept.keep_in(path)
    assert kept.trust.marks == KEPT
    kept.trust.renounce()
    kept.save()
    assert await kept.recorded()
    assert kept.keep_in(path)
    assert kept.trust.marks == read_marks(path) != KEPT


async def test_marks_that_could_not_be_written_are_tried_again(tmp_path: Path) -> None:
    path = tmp_path / MARKS_NAME
    (tmp_path / "marks.aside").mkdir()
    kept = KeptMarks(at_once)
    assert await kept.recorded()
    kept.keep_in(path)
    kept.trust.renounce()
    kept.save()
    assert not await kept.recorded()
    (tmp_path / "marks.aside").rmdir()
    assert not await kept.recorded()
    assert await kept.recorded()
    assert read_marks(path) == kept.trust.marks


def test_marks_that_are_kept_nowhere_are_not_written() -> None:
    KeptMarks(lambda name, writing: pytest.fail("nobody said where")).save()
