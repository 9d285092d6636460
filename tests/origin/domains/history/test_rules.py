"""Positions: what is begun, what is finished, and that only the newest heartbeat counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.activity import Event, Kind
from origin.domains.history.rules import (
    Heartbeat,
    Position,
    Step,
    can_go_on,
    event_of,
    is_finished,
    resume_seconds,
    steps,
    watched_seconds,
)


def position(at: float, length: float = 1000.0, hidden: bool = False) -> Position:
    return Position("film", 1, at, length, hidden, 0.0)


@pytest.mark.parametrize(
    ("at", "length", "finished", "goes_on", "resumes"),
    [
        (0.0, 1000.0, False, False, 0.0),
        (4.9, 1000.0, False, False, 0.0),
        (5.0, 1000.0, False, True, 5.0),
        (949.9, 1000.0, False, True, 949.9),
        (950.0, 1000.0, True, False, 0.0),
        (1000.0, 1000.0, True, False, 0.0),
        (5000.0, 0.0, False, True, 5000.0),
    ],
)
def test_a_film_is_gone_on_with_between_its_first_look_and_its_credits(
    at: float, length: float, finished: bool, goes_on: bool, resumes: float
) -> None:
    where = position(at, length)
    assert is_finished(where) is finished
    assert can_go_on(where) is goes_on
    assert resume_seconds(where) == resumes


def test_hidden_title_still_resumes_where_it_stopped() -> None:
    assert not can_go_on(position(100.0, hidden=True))
    assert resume_seconds(position(100.0, hidden=True)) == 100.0
    assert resume_seconds(None) == 0.0


BEATS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(1, 9)))


def beat(
    profile: str, title: str, counter: int, position: float = 0.0, at: float = 0.0
) -> Heartbeat:
    return Heartbeat("account", profile, title, counter, position, 0.0, at)


@given(BEATS, st.integers(0, 9))
def test_of_many_heartbeats_those_count_that_are_newer_than_all_before_them(
    said: list[tuple[str, str, int]], split: int
) -> None:
    beats = [beat(*each, float(number)) for number, each in enumerate(said)]
    highest: dict[tuple[str, str], int] = {}
    expected = []
    for each in beats:
        key = (each.profile, each.title_id)
        if each.counter > highest.get(key, 0):
            highest[key] = each.counter
            expected.append(each)
    first = steps(beats[:split], {}, 35.0)
    kept = {
        (step.heartbeat.profile, step.heartbeat.title_id): Position(
            step.heartbeat.title_id, step.heartbeat.counter, 0.0, 0.0, False, 0.0
        )
        for step in first
    }
    found = [*first, *steps(beats[split:], kept, 35.0)]
    assert [step.heartbeat for step in found] == expected


@pytest.mark.parametrize(
    ("before", "after", "watched"),
    [
        (None, (10.0, 10.0), 0.0),
        ((100.0, 0.0), (110.0, 10.0), 10.0),
        ((100.0, 0.0), (120.0, 10.0), 10.0),  # at double speed, the viewer's time counts
        ((100.0, 0.0), (900.0, 10.0), 10.0),  # a jump ahead
        ((900.0, 0.0), (100.0, 10.0), 0.0),  # a jump back
        ((100.0, 0.0), (104.0, 3600.0), 4.0),  # a break, and a little more
        ((100.0, 0.0), (900.0, 3600.0), 35.0),  # a break, and a jump
        ((100.0, 50.0), (110.0, 40.0), 0.0),  # a clock that was set back
    ],
)
def test_watched_is_what_went_by_and_no_more_than_the_time_that_passed(
    before: tuple[float, float] | None, after: tuple[float, float], watched: float
) -> None:
    last = None if before is None else beat("a", "x", 1, *before)
    assert watched_seconds(last, beat("a", "x", 2, *after), 35.0) == watched


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), max_size=20))
def test_nobody_watches_longer_than_time_passes(moves: list[tuple[float, float]]) -> None:
    times = sorted(at for _, at in moves)
    beats = [
        beat("a", "x", number, position, at)
        for number, ((position, _), at) in enumerate(zip(moves, times, strict=True), 1)
    ]
    total = sum(step.watched_seconds for step in steps(beats, {}, 35.0))
    assert 0.0 <= total <= (times[-1] - times[0] if times else 0.0) + 1e-6


def test_heartbeat_is_kept_in_the_log_under_the_name_of_its_stream() -> None:
    said = Heartbeat("anna", "kid", "film", 7, 61.5, 90.0, 5.0, "s1", "DE")
    assert event_of(Step(said, 4.0)) == Event(
        "kid:s1:7", Kind.HEARTBEAT, 5.0, "anna", "kid", "film", "DE", 61.5, 4.0
    )
