"""Extents are copied whole and right, or not at all; what is held stays."""

from __future__ import annotations

import os
from pathlib import Path

import google_crc32c
import pytest

from cdnkit.errors import ConflictError
from config.topology import Volume
from origin.store.extents import Footer, format_footer
from origin.store.volumes import OpenVolume
from scripts.backup.extents import LINKS, content_of, copy_extent, holding, is_whole

CONTENT = bytes(range(256)) * 4096 * 2 + b"end"
CRC = google_crc32c.value(CONTENT)
NAME = "ab/abcd-1-0"


def extent(content: bytes = CONTENT) -> bytes:
    pieces = [content[at : at + (1 << 20)] for at in range(0, len(content), 1 << 20)]
    sums = tuple(google_crc32c.value(piece) for piece in pieces)
    return content + format_footer(Footer("films/a", 1, 0, len(content), sums))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(extent())
    return path


def copy(sources: list[Path], tmp_path: Path, crc32c: int = CRC) -> tuple[int | None, Path]:
    target = tmp_path / "to" / "target"
    return copy_extent(sources, target, crc32c, target.with_name("aside")), target


def test_a_copy_is_the_file_with_its_footer(source: Path, tmp_path: Path) -> None:
    size_bytes, target = copy([source], tmp_path)
    assert size_bytes == len(extent())
    assert target.read_bytes() == extent()
    assert b"".join(content_of(target)) == CONTENT
    assert is_whole(target, CRC)
    assert not is_whole(target, CRC ^ 1)


def test_the_first_source_that_is_right_is_taken(source: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"x" + extent()[1:])
    short = tmp_path / "short"
    short.write_bytes(extent()[:-1])
    size_bytes, target = copy([tmp_path / "gone", bad, short, source], tmp_path)
    assert size_bytes == len(extent())
    assert target.read_bytes() == extent()


def test_a_file_whose_footer_has_other_checksums_is_not_whole(tmp_path: Path) -> None:
    """Its readers would refuse it, whatever the catalog says."""
    path = tmp_path / "bad"
    sums = (google_crc32c.value(CONTENT[: 1 << 20]), 0, 1)
    path.write_bytes(CONTENT + format_footer(Footer("films/a", 1, 0, len(CONTENT), sums)))
    assert copy([path], tmp_path)[0] is None
    assert not is_whole(path, CRC)
    with pytest.raises(OSError, match="do not agree"):
        list(content_of(path))


def test_no_source_that_is_right_leaves_nothing(source: Path, tmp_path: Path) -> None:
    assert copy([source], tmp_path, CRC ^ 1)[0] is None
    assert list((tmp_path / "to").iterdir()) == []
    assert copy([], tmp_path)[0] is None


@pytest.mark.parametrize("kept", [0, 10, len(CONTENT), len(extent()) - 1])
def test_a_file_cut_short_is_not_whole(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "short"
    path.write_bytes(extent()[:kept])
    assert not is_whole(path, CRC)
    with pytest.raises(OSError, match="cut short"):
        list(content_of(path))


def test_what_is_held_outlives_its_deletion_and_is_let_go_at_the_end(tmp_path: Path) -> None:
    volume = OpenVolume(Volume("v", str(tmp_path / "v")))
    volume.initialise()
    committed = Path(volume.extent_path(NAME))
    committed.parent.mkdir()
    committed.write_bytes(extent())
    with holding([volume]) as held:
        (name,) = held.hold(NAME)
        assert held.hold(NAME) == [name]
        os.unlink(committed)
        assert is_whole(name, CRC)
        assert held.hold("ab/none-1-0") == []
        assert [file for file, _ in volume.scan()] == [], "no reader takes it for an extent"
    assert not (tmp_path / "v" / LINKS).exists()


def test_what_a_killed_backup_held_is_let_go_by_the_next(tmp_path: Path) -> None:
    volume = OpenVolume(Volume("v", str(tmp_path / "v")))
    volume.initialise()
    (tmp_path / "v" / LINKS).mkdir()
    (tmp_path / "v" / LINKS / "left-1-0").touch()
    with holding([volume]):
        assert list((tmp_path / "v" / LINKS).iterdir()) == []


def test_two_backups_of_one_volume_do_not_let_go_of_what_the_other_holds(tmp_path: Path) -> None:
    volume = OpenVolume(Volume("v", str(tmp_path / "v")))
    volume.initialise()
    committed = Path(volume.extent_path(NAME))
    committed.parent.mkdir()
    committed.write_bytes(extent())
    with holding([volume]) as held:
        (name,) = held.hold(NAME)
        with pytest.raises(ConflictError, match="another program works on the volume v"):
            holding([volume]).__enter__()
        assert is_whole(name, CRC)
    with holding([volume]):
        assert not name.exists()
