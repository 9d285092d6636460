"""Containers are told by their first bytes; films are decoded, remuxed and looked at."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from origin.packaging.boxes import UnplayableError
from origin.packaging.source import SourceFile
from tests.origin.packaging.conftest import Films, movie_of

av = pytest.importorskip("av")
decode = pytest.importorskip("origin.packaging.decode")


def source(data: bytes) -> SourceFile:
    return SourceFile(lambda start, stop: data[start:stop], len(data))


@pytest.mark.parametrize(
    ("name", "container"), [("plain.mp4", "mp4"), ("film.mkv", "matroska"), ("film.ts", "mpegts")]
)
def test_container_is_told_by_its_first_bytes(films: Films, name: str, container: str) -> None:
    data = films.data(name)
    assert decode.sniff_container(data[:192]) == container
    decode.require_decodable(source(data), container)


@pytest.mark.parametrize("head", [b"", b"#EXTM3U\nfile:///etc/passwd\n", b"ffconcat version 1.0\n"])
def test_lists_of_other_files_are_no_films(head: bytes) -> None:
    with pytest.raises(UnplayableError):
        decode.sniff_container(head)


@pytest.mark.parametrize("name", ["film.mkv", "film.ts"])
def test_other_containers_become_mp4_without_encoding(
    films: Films, name: str, tmp_path: Path
) -> None:
    target = tmp_path / "out.mp4"
    container = decode.sniff_container(films.data(name)[:192])
    decode.remux(source(films.data(name)), container, target)
    movie = movie_of(target.read_bytes())
    assert len(movie.of_kind("vide")[0].samples) == 150
    assert len(movie.of_kind("soun")) == 1


def jpeg_size(data: bytes) -> tuple[int, int]:
    with av.open(io.BytesIO(data)) as picture:
        frame = next(picture.decode(video=0))
        return frame.width, frame.height


def test_poster_and_storyboard_are_pictures(films: Films) -> None:
    data = films.data("plain.mp4")
    assert jpeg_size(decode.take_poster(source(data), "mp4")) == (192, 108)
    board = decode.take_storyboard(source(data), "mp4")
    assert board.moments == (0, 1, 2, 3, 4, 5, 6)
    assert jpeg_size(board.jpeg) == (6 * board.tile_width, board.tile_height)


@pytest.mark.parametrize("name", ["sound.m4a", "old.mp4"])
def test_what_browsers_do_not_play_is_refused(films: Films, name: str) -> None:
    with pytest.raises(UnplayableError):
        decode.require_decodable(source(films.data(name)), "mp4")


def test_garbage_is_refused() -> None:
    with pytest.raises(UnplayableError, match="cannot be opened"):
        decode.open_source(source(b"\x1a\x45\xdf\xa3" + bytes(500)), "matroska")
