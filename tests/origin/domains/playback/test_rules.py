"""What a playback may and where it is played from, without rows or requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.domains.playback.rules import (
    AgeError,
    Grant,
    Lease,
    StreamLimitError,
    lower,
    play_urls,
    require_age,
    require_room,
    token_end,
    token_prefix,
)

TITLE = {"title": "Film", "media": "films/a.mp4"}
PACKAGE = {
    "prefix": "play/film/2/",
    "hls": "play/film/2/main.m3u8",
    "progressive": "play/film/2/film.mp4",
}


@pytest.mark.parametrize(
    ("age", "age_max", "allowed"),
    [(16, 12, False), (12, 12, True), (12.5, 12, False), (None, 0, True), ("18", 0, True)],
)
def test_title_is_for_those_old_enough(age: object, age_max: int, allowed: bool) -> None:
    if allowed:
        require_age({**TITLE, "age": age}, age_max)
    else:
        with pytest.raises(AgeError):
            require_age({**TITLE, "age": age}, age_max)


def test_as_many_devices_watch_as_the_plan_allows_and_the_refusal_names_them() -> None:
    lease = Lease("1", "anna", "kid", "film", "Television", 0.0, 0.0, 0.0)
    require_room([lease], 2)
    with pytest.raises(StreamLimitError) as caught:
        require_room([lease, lease], 2)
    assert caught.value.extra["devices"] == [{"device": "Television", "title_id": "film"}] * 2


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_lower_of_two_heights_is_the_one_that_limits(one: int, other: int) -> None:
    limits = [each for each in (one, other) if each]
    assert lower(one, other) == (min(limits) if limits else 0)


@pytest.mark.parametrize(
    ("grant", "end"),
    [
        (Grant(), 160),
        (Grant(until=130.0), 160),
        (Grant(until=130.0, ends_streams=True), 130),
        (Grant(until=500.0, ends_streams=True), 160),
    ],
)
def test_token_ends_with_the_window_only_where_streams_end_with_it(grant: Grant, end: int) -> None:
    assert token_end(100.0, 60.0, grant) == end


def test_package_is_played_in_three_forms_under_the_token() -> None:
    urls = play_urls("http://router", "T", TITLE, PACKAGE)
    assert urls == {
        "hls": "http://router/~T/play/film/2/main.m3u8",
        "dash": None,
        "progressive": "http://router/~T/play/film/2/film.mp4",
    }
    assert token_prefix(TITLE, PACKAGE) == "/play/film/2/"


def test_upload_without_package_is_played_as_it_is() -> None:
    urls = play_urls("http://origin/v1/content", "", TITLE, None)
    assert urls["progressive"] == "http://origin/v1/content/films/a.mp4"
    assert (urls["hls"], urls["dash"]) == (None, None)
    assert token_prefix(TITLE, None) == "/films/a.mp4"
