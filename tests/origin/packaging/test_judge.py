"""A movie is described, or refused with the reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from origin.packaging.boxes import UnplayableError
from origin.packaging.judge import frame_rate, judge, pick_video
from origin.packaging.samples import Movie
from tests.origin.packaging.conftest import Films
from tests.origin.packaging.test_cuts import make_track


def test_facts_of_a_real_film(films: Films) -> None:
    facts = judge(films.movie("plain.mp4"), "mp4")
    video, (sound,) = facts["video"], facts["audio"]
    assert (video["width"], video["height"], video["frames_per_second"]) == (192, 108, 25)
    assert video["sync_samples"] == 6
    assert facts["duration_seconds"] == 6
    assert facts["codecs"] == f"{video['codecs']},mp4a.40.2"
    assert (sound["channels"], sound["rate_hz"]) == (1, 48000)
    assert 0 < sound["bits_per_second"] < 100_000


@pytest.mark.parametrize(("name", "reason"), [("sound.m4a", "no pictures"), ("old.mp4", "mp4v")])
def test_film_that_no_browser_plays_is_refused(films: Films, name: str, reason: str) -> None:
    with pytest.raises(UnplayableError, match=reason):
        judge(films.movie(name), "mp4")


def test_cover_is_not_taken_for_the_film() -> None:
    cover, film = make_track([1], [True]), make_track([1, 1], [True, False], number=2)
    assert pick_video(Movie("isom", (cover, film), False, True)) is film


def test_rate_is_exact_for_even_frames() -> None:
    assert frame_rate(make_track([1001] * 30, [True] * 30, timescale=30000)) == Fraction(
        30000, 1001
    )
    with pytest.raises(UnplayableError):
        frame_rate(make_track([0], [True]))
