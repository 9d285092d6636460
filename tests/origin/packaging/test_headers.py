"""A file becomes a movie wherever its parts lie, and agrees with another reader."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from origin.packaging.boxes import UnplayableError, make_box
from origin.packaging.headers import is_iso_media
from tests.origin.packaging.conftest import Films, movie_of

av = pytest.importorskip("av")

BOX_FILMS = ["plain.mp4", "front.mp4", "fragmented.mp4", "based.mp4", "late.mp4", "two.mp4"]


@pytest.mark.parametrize("name", BOX_FILMS)
def test_samples_are_those_that_another_reader_finds(films: Films, name: str) -> None:
    movie = films.movie(name)
    with av.open(str(films.path(name))) as film:
        for track, stream in zip(movie.tracks, film.streams, strict=True):
            packets = [packet for packet in film.demux(stream) if packet.dts is not None]
            film.seek(0)
            samples = track.samples
            assert list(samples.sizes) == [packet.size for packet in packets]
            assert list(samples.offsets) == [packet.pos for packet in packets]
            assert [bool(sync) for sync in samples.syncs] == [p.is_keyframe for p in packets]
            assert list(samples.durations)[:-1] == [p.duration for p in packets][:-1]


def test_place_of_the_header_is_told(films: Films) -> None:
    assert not films.movie("plain.mp4").moov_first
    assert films.movie("front.mp4").moov_first
    assert films.movie("fragmented.mp4").fragmented


def test_edits_are_read(films: Films) -> None:
    video, sound = films.movie("late.mp4").tracks
    assert video.edit.delay == 0
    assert video.edit.media_ticks == video.samples.shifts[0] > 0
    assert sound.edit.delay == pytest.approx(Fraction(1, 2), abs=0.03)
    (_, primed) = films.movie("plain.mp4").tracks
    assert primed.edit.media_ticks == 1024


def test_file_without_header_is_refused(films: Films) -> None:
    data = films.data("plain.mp4")
    with pytest.raises(UnplayableError):
        movie_of(data[: len(data) // 2])
    with pytest.raises(UnplayableError, match="no 'moov'"):
        movie_of(make_box("ftyp", b"isomisom"))


def test_first_bytes_tell_box_files() -> None:
    assert is_iso_media(make_box("ftyp", b"isom"))
    assert not is_iso_media(b"\x1a\x45\xdf\xa3")
    assert not is_iso_media(b"")


@pytest.mark.parametrize("name", ["front.mp4", "fragmented.mp4"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), max_size=8))
def test_damaged_film_is_read_or_refused(
    films: Films, name: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(films.data(name))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        movie = movie_of(bytes(data))
    except UnplayableError:
        return
    for track in movie.tracks:
        for offset, size in zip(track.samples.offsets, track.samples.sizes, strict=True):
            assert offset + size <= len(data)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stop=st.integers(0, 9000))
def test_film_that_is_cut_is_refused(films: Films, stop: int) -> None:
    with pytest.raises(UnplayableError):
        movie_of(films.data("front.mp4")[:stop])
