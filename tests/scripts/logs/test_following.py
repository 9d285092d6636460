"""Claims about following a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.logs.following import Tail


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


@pytest.fixture
def tail(path: Path) -> Iterator[Tail]:
    tail = Tail(path)
    yield tail
    tail.close()


def write(path: Path, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)


def test_what_was_there_before_is_not_new(path: Path, tail: Tail) -> None:
    write(path, "old\n")
    assert tail.lines() == []
    write(path, "new\nnewer\n")
    assert tail.lines() == ["new", "newer"]
    assert tail.lines() == []


def test_a_look_back_takes_whole_lines_only(path: Path) -> None:
    write(path, "one\ntwo\nthree\n")
    for back, lines in ((0, []), (7, ["three"]), (9, ["three"]), (100, ["one", "two", "three"])):
        tail = Tail(path, back)
        assert tail.lines() == lines, back
        tail.close()


def test_a_line_that_is_half_written_waits_for_its_end(path: Path, tail: Tail) -> None:
    write(path, "")
    tail.lines()
    write(path, "ha")
    assert tail.lines() == []
    write(path, "lf\nan")
    assert tail.lines() == ["half"]


def test_a_file_that_comes_later_is_read_from_its_start(path: Path, tail: Tail) -> None:
    assert tail.lines() == []
    write(path, "first\n")
    assert tail.lines() == ["first"]


def test_a_rotation_loses_no_line(path: Path, tail: Tail) -> None:
    write(path, "")
    tail.lines()
    write(path, "last of the old\n")
    path.rename(path.with_suffix(".1"))
    assert tail.lines() == ["last of the old"]
    write(path.with_suffix(".1"), "written late\n")
    write(path, "first of the new\n")
    assert tail.lines() == ["written late", "first of the new"]
    write(path, "second\n")
    assert tail.lines() == ["second"]


def test_a_line_written_between_the_look_and_the_rotation_is_not_lost(
    path: Path, tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, "")
    tail.lines()

    def rotate_first(name: Path) -> os.stat_result:
        monkeypatch.undo()
        write(path, "last\n")
        path.rename(path.with_suffix(".1"))
        write(path, "first\n")
        return os.stat(name)

    monkeypatch.setattr("scripts.logs.following.os.stat", rotate_first)
    assert tail.lines() == ["last", "first"]


def test_a_file_that_was_emptied_is_read_from_its_start(path: Path, tail: Tail) -> None:
    write(path, "a long line that was there\n")
    tail.lines()
    path.write_text("new\n")
    assert tail.lines() == ["new"]


def test_bytes_outside_utf8_end_nothing(path: Path, tail: Tail) -> None:
    write(path, "")
    tail.lines()
    with open(path, "ab") as file:
        file.write(b"a\xff\n")
    assert tail.lines() == ["a\ufffd"]
