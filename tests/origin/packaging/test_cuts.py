"""Segments begin at sync samples, tile the track, and keep sound and pictures together."""

from __future__ import annotations

from array import array
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.packaging.boxes import UnplayableError
from origin.packaging.cuts import cut_at_syncs, cut_by_time, lay_timelines, starts_of
from origin.packaging.samples import Edit, Movie, Samples, Track
from tests.origin.packaging.conftest import Films


def make_track(
    durations: list[int],
    syncs: list[bool],
    *,
    handler: str = "vide",
    number: int = 1,
    timescale: int = 10,
    edit: Edit | None = None,
    shift: int = 0,
) -> Track:
    count = len(durations)
    samples = Samples(
        array("Q", range(count)),
        array("Q", [1] * count),
        array("Q", durations),
        array("q", [shift] * count),
        bytearray(syncs),
    )
    return Track(number, handler, timescale, "und", 0, 0, bytes(36), b"", edit or Edit(), samples)


def movie(*tracks: Track, fragmented: bool = False) -> Movie:
    return Movie("isom", tracks, fragmented, True)


SAMPLES = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=60)


@given(SAMPLES, st.floats(0, 10))
def test_cuts_tile_the_track_and_begin_at_sync_samples(
    samples: list[tuple[int, bool]], target: float
) -> None:
    track = make_track([duration for duration, _ in samples], [sync for _, sync in samples])
    cuts = cut_at_syncs(track, target)
    assert cuts[0][0] == 0
    assert cuts[-1][1] == len(samples)
    assert all(one[1] == two[0] for one, two in pairwise(cuts))
    assert all(first < stop for first, stop in cuts)
    assert all(samples[first][1] for first, _ in cuts[1:])
    for first, stop in cuts[:-1]:
        assert sum(track.samples.durations[first:stop]) >= round(target * 10)


@given(SAMPLES, st.lists(st.integers(1, 400), min_size=1, max_size=20, unique=True))
def test_cuts_by_time_tile_the_sound(samples: list[tuple[int, bool]], ticks: list[int]) -> None:
    track = make_track([duration for duration, _ in samples], [True] * len(samples))
    line = lay_timelines(movie(track), track)[1]
    moments = [Fraction(0), *(Fraction(tick, 10) for tick in sorted(ticks))]
    cuts = cut_by_time(line, moments)
    assert len(cuts) == len(moments)
    assert (cuts[0][0], cuts[-1][1]) == (0, len(samples))
    times = line.decode_times()
    for (first, stop), begin, end in zip(cuts, moments, [*moments[1:], None], strict=True):
        for time in times[first:stop]:
            assert time >= begin * 10
            assert end is None or time < end * 10


def test_first_picture_begins_the_film_and_sound_moves_with_it() -> None:
    video = make_track([4] * 5, [True] * 5, edit=Edit(Fraction(0), 12), shift=8)
    sound = make_track([10] * 5, [True] * 5, handler="soun", number=2)
    lines = lay_timelines(movie(video, sound), video)
    assert (lines[1].base_ticks, lines[1].skip_ticks, lines[1].lead_ticks) == (0, 8, 0)
    # The first picture would show at -0.4 s; all is lifted by as much.
    assert lines[2].base_ticks == 4


def test_priming_stays_an_edit_and_more_is_left_out() -> None:
    video = make_track([4] * 50, [True] * 50)
    primed = make_track(
        [10] * 50, [True] * 50, handler="soun", number=2, timescale=1000, edit=Edit(media_ticks=20)
    )
    early = replace(primed, track_id=3, edit=Edit(media_ticks=205))
    lines = lay_timelines(movie(video, primed, early), video)
    assert (lines[2].first, lines[2].base_ticks, lines[2].skip_ticks) == (0, 0, 20)
    assert (lines[3].first, lines[3].base_ticks, lines[3].skip_ticks) == (11, 0, 95)


def test_film_that_begins_between_sync_samples_is_refused() -> None:
    track = make_track([4, 4], [False, True])
    with pytest.raises(UnplayableError, match="stands alone"):
        lay_timelines(movie(track), track)


def test_late_sound_is_late_on_the_timeline(films: Films) -> None:
    found = films.movie("late.mp4")
    lines = lay_timelines(found, found.tracks[0])
    assert starts_of(lines[2], [(0, 1)])[0] == pytest.approx(Fraction(1, 2), abs=0.03)
