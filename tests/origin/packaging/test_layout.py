"""One file, three faces: all of them play, tile, and carry the source's samples unchanged."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest

from origin.packaging.boxes import UnplayableError, iterate_boxes
from origin.packaging.fragments import read_index
from origin.packaging.layout import plan_track
from origin.packaging.samples import Movie
from tests.origin.packaging.conftest import Films, movie_of
from tests.origin.packaging.worlds import pack, write

av = pytest.importorskip("av")

SOURCES = ["plain.mp4", "fragmented.mp4", "based.mp4", "late.mp4", "silent.mp4", "two.mp4"]


def packets(data: bytes) -> list[Any]:
    with av.open(io.BytesIO(data), format="mp4") as film:
        return [packet for packet in film.demux() if packet.dts is not None]


def contents(movie: Movie, data: bytes, handler: str) -> list[bytes]:
    samples = movie.of_kind(handler)[0].samples
    return [
        data[offset : offset + size]
        for offset, size in zip(samples.offsets, samples.sizes, strict=True)
    ]


@pytest.mark.parametrize("name", SOURCES)
def test_plain_face_holds_every_sample_of_the_source(films: Films, name: str) -> None:
    packed = pack(films.data(name))
    data = packed.film_bytes
    assert len(data) == packed.film.size_bytes
    found, source = movie_of(data), films.movie(name)
    assert found.moov_first
    assert not found.fragmented
    for handler in ("vide", "soun") if packed.sounds else ("vide",):
        assert contents(found, data, handler) == contents(source, packed.source, handler)
    video, original = found.tracks[0].samples, source.tracks[0].samples
    assert video.durations == original.durations
    assert video.shifts == original.shifts
    assert video.syncs == original.syncs


@pytest.mark.parametrize("name", SOURCES)
def test_segments_tile_the_inner_face_and_begin_at_sync_samples(films: Films, name: str) -> None:
    packed = pack(films.data(name))
    data, plan = packed.film_bytes, packed.film
    assert plan.header[1] == plan.index[0]
    assert plan.index[1] == plan.segments[0].start
    assert all(one.stop == two.start for one, two in pairwise(plan.segments))
    assert plan.segments[-1].stop == plan.size_bytes
    header = data[plan.header[0] : plan.header[1]]
    total = 0
    for segment in plan.segments:
        found = packets(header + data[segment.start : segment.stop])
        assert found[0].is_keyframe
        assert found[0].pts == segment.start_ticks
        total += len(found)
    assert total == len(films.movie(name).tracks[0].samples)


@pytest.mark.parametrize("name", SOURCES)
def test_durations_sum_to_the_film(films: Films, name: str) -> None:
    packed = pack(films.data(name))
    ticks = sum(segment.duration_ticks for segment in packed.film.segments)
    assert ticks == films.movie(name).tracks[0].samples.duration_ticks


@pytest.mark.parametrize("name", SOURCES)
def test_index_names_exactly_the_segments(films: Films, name: str) -> None:
    packed = pack(films.data(name))
    for plan in (packed.film, *packed.tracks):
        data = write(plan, packed.source)
        start, stop = plan.index
        written = data[start:stop]
        (box,) = iterate_boxes(written, 0, len(written))
        index = read_index(written, box)
        at = stop + index.first_offset
        for segment, reference in zip(plan.segments, index.references, strict=True):
            assert (at, at + reference.size_bytes) == (segment.start, segment.stop)
            assert reference.starts_with_sync
            at += reference.size_bytes
        assert index.timescale == plan.timescale


def test_track_file_is_a_movie_of_fragments(films: Films) -> None:
    packed = pack(films.data("plain.mp4"))
    data = write(packed.tracks[0], packed.source)
    found = movie_of(data)
    assert found.fragmented
    assert contents(found, data, "soun") == contents(
        films.movie("plain.mp4"), packed.source, "soun"
    )
    assert found.tracks[0].edit.media_ticks == 1024


@pytest.mark.parametrize("name", SOURCES)
def test_all_faces_show_the_same_pictures_at_the_same_times(films: Films, name: str) -> None:
    packed = pack(films.data(name))
    data = packed.film_bytes

    def shown(bytes_of_film: bytes) -> list[float]:
        with av.open(io.BytesIO(bytes_of_film), format="mp4") as film:
            return [frame.time for frame in film.decode(video=0)]

    plain = shown(data)
    assert shown(data[packed.film.header[0] :]) == plain
    assert plain[0] == pytest.approx(0, abs=0.001)
    assert plain == sorted(plain)
    if not films.movie(name).fragmented:
        assert shown(packed.source) == pytest.approx(plain)


def test_sound_lies_beside_its_pictures(films: Films) -> None:
    packed = pack(films.data("plain.mp4"))
    found = packets(packed.film_bytes)
    order = sorted(found, key=lambda packet: packet.pos)
    last: dict[int, float] = {}
    for packet in order:
        last[packet.stream_index] = float(packet.dts * packet.time_base)
        if len(last) == 2:
            assert abs(last[0] - last[1]) < 1.2


def test_large_film_has_wide_offsets(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("origin.packaging.layout._OFFSET_MAX", 1000)
    packed = pack(films.data("plain.mp4"))
    assert b"co64" in packed.film_bytes[: packed.film.header[0]]
    assert contents(movie_of(packed.film_bytes), packed.film_bytes, "vide") == contents(
        films.movie("plain.mp4"), packed.source, "vide"
    )


def test_film_of_too_many_segments_is_refused(
    films: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pack(films.data("silent.mp4"))
    monkeypatch.setattr("origin.packaging.layout.SEGMENTS_MAX", 2)
    with pytest.raises(UnplayableError, match="segments"):
        plan_track(packed.video, packed.cuts)
