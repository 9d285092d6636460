"""A file is whole under its name or not there: the same claims for a folder and for HDFS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdnkit.errors import BadRequestError, NotFoundError, StorageFullError, UnavailableError
from origin.batch.destination import Destination, Folder, open_destination


def whole(destination: Destination, path: str) -> bytes:
    return b"".join(destination.read(path))


def broken() -> Iterator[bytes]:
    yield b"half"
    raise ZeroDivisionError


def test_file_is_read_as_it_was_written(destination: Destination) -> None:
    content = os.urandom(3_000_000)
    destination.put("a/b/file", [content[:1], content[1:2_000_000], content[2_000_000:]])
    assert whole(destination, "a/b/file") == content
    assert destination.size_bytes("a/b/file") == len(content)
    assert destination.url("a/b/file").endswith("a/b/file")


def test_file_is_replaced_as_a_whole(destination: Destination) -> None:
    destination.put("file", [b"long before"])
    destination.put("file", [b"new"])
    assert whole(destination, "file") == b"new"
    assert destination.names("") == ["file"]


def test_writer_that_fails_leaves_what_was_there(destination: Destination) -> None:
    destination.put("kept", [b"before"])
    for name in ("kept", "new"):
        with pytest.raises(ZeroDivisionError):
            destination.put(name, broken())
    assert whole(destination, "kept") == b"before"
    assert destination.size_bytes("new") is None
    destination.put("new", [b"after"])
    assert whole(destination, "new") == b"after"


def test_folders_are_listed_and_removed(destination: Destination) -> None:
    for path in ("b/two", "b/deep/one", "a"):
        destination.put(path, [b"x"])
    assert destination.names("") == ["a", "b"]
    assert destination.names("b") == ["deep", "two"]
    assert destination.names("nowhere") == []
    destination.remove("b")
    destination.remove("a")
    destination.remove("nowhere")
    assert destination.names("") == []


def test_missing_file_is_named(destination: Destination) -> None:
    assert destination.size_bytes("nowhere/file") is None
    with pytest.raises(NotFoundError, match="nowhere/file"):
        whole(destination, "nowhere/file")


def test_what_is_no_place_is_refused() -> None:
    for text in ("ftp://host/x", "hdfs://host", "hdfs:///x"):
        with pytest.raises(BadRequestError):
            open_destination(text)
    assert isinstance(open_destination("some/folder"), Folder)


def test_folder_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match="file/x"):
        Folder(tmp_path / "file").put("x", [b""])
    with pytest.raises(StorageFullError, match="No space"):
        Folder(Path("/dev")).put("full", _past("/dev/full"))


def _past(device: str) -> Iterator[bytes]:
    """What a full disk says to a write."""
    with open(device, "wb", buffering=0) as full:
        full.write(b"x")
    yield b""
