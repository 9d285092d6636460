"""Whoever reads a small file meets the old content or the new one, whatever goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.whole_file import write_whole


@pytest.mark.parametrize("name", ["marks.json", "learned-00-7f"])
def test_content_is_replaced_and_nothing_stays_beside_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content in (b"old and long", b"new"):
        write_whole(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_content_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    write_whole(path, b"old")
    (tmp_path / "marks.new").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(path, b"new", ".new")
    assert path.read_bytes() == b"old"
