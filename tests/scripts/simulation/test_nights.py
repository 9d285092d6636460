"""What a fill in quiet hours does to evenings."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from edge.cache.policy.named import Rule
from scripts.benchmark.placement import read_days
from scripts.simulation.nights import DAY_SECONDS, Fill, evening_rate, replay_nights
from scripts.simulation.trace import Trace, whole

TRACES = Path(__file__).parents[4] / "shared" / "traces"
MINI = TRACES / "movie-mini-a.csv.zst"
HOUR = 3600.0
PIECE = 1_000


def days(titles: int = 100, sessions: int = 900) -> Trace:
    """Two days of films whose popularity stays, watched from the beginning, mostly left early."""
    chance = random.Random(5)
    weights = [1 / (rank + 3) for rank in range(titles)]
    rows: list[tuple[float, str, int, int]] = []
    for _ in range(2 * sessions):
        begins = chance.uniform(0, 2 * DAY_SECONDS - HOUR)
        (title,) = chance.choices(range(titles), weights)
        rows += [
            (begins + piece * 100, str(title), PIECE, piece * PIECE)
            for piece in range(min(int(chance.expovariate(0.1)) + 1, 20))
        ]
    rows.sort()
    return whole(rows, Path("t"))


def test_without_a_fill_only_counted_days_are_counted() -> None:
    rows = [(0.0, "a", PIECE, 0), (DAY_SECONDS + 1, "a", PIECE, PIECE)]
    rows += [(DAY_SECONDS + hour * HOUR, "a", PIECE, 0) for hour in (3.0, 19.0, 22.9, 23.0)]
    found = replay_nights(whole(rows, Path("t")), Rule("lru"), 10 * PIECE, None)
    assert (found.asked, found.evening_asked) == (4 * PIECE, 2 * PIECE)
    assert found.missed == found.filled == 0


def test_what_was_wanted_yesterday_comes_at_night_and_outlives_the_day() -> None:
    rows = [(hour * HOUR, "hit", PIECE, 0) for hour in range(24)]
    # So many others by day that a rule of recency forgets the film before the evening.
    rows += [(DAY_SECONDS + 9 * HOUR + n, f"other {n}", PIECE, 0) for n in range(20)]
    rows += [
        (DAY_SECONDS + 3 * HOUR, "clock", PIECE, 0),
        (DAY_SECONDS + 20 * HOUR, "hit", PIECE, 0),
    ]
    trace = whole(sorted(rows), Path("t"))
    plain = replay_nights(trace, Rule("lru"), 4 * PIECE, None)
    filled = replay_nights(trace, Rule("lru"), 4 * PIECE, Fill(0.5, 1.0))
    assert plain.evening_missed == PIECE
    assert filled.evening_missed == 0
    # It was still held when the plan was made.
    assert filled.filled == 0


def test_a_fill_is_bounded_by_its_pace_and_ends_with_the_quiet_hours() -> None:
    rows = [(hour * HOUR, f"film {n}", PIECE, 0) for hour in range(24) for n in range(20)]
    rows += [(DAY_SECONDS + hour * HOUR, "clock", PIECE, 0) for hour in (2.0, 3.0, 4.0, 9.0)]
    trace = whole(sorted(rows), Path("t"))
    slow = PIECE / HOUR
    found = {
        rate: replay_nights(trace, Rule("lru"), 10 * PIECE, Fill(1.0, rate)).filled
        for rate in (slow, 1000 * slow)
    }
    assert 0 < found[slow] <= 4 * PIECE
    assert found[slow] < found[1000 * slow] <= 10 * PIECE


@pytest.mark.parametrize(("half_life_days", "missed"), [(3.0, 0), (0.0, PIECE)])
def test_days_before_yesterday_count_as_long_as_they_are_said_to(
    half_life_days: float, missed: int
) -> None:
    rows = [(hour * HOUR, "old", PIECE, 0) for hour in range(24)]
    rows += [(DAY_SECONDS + hour * HOUR, "new", PIECE, 0) for hour in (3.0, 12.0, 20.0)]
    rows += [(2 * DAY_SECONDS + hour * HOUR, "clock", PIECE, 0) for hour in (3.0, 4.0)]
    rows += [(2 * DAY_SECONDS + 9 * HOUR + n, f"other {n}", PIECE, 0) for n in range(20)]
    rows.append((2 * DAY_SECONDS + 20 * HOUR, "old", PIECE, 0))
    fill = Fill(0.5, 1.0, half_life_days)
    found = replay_nights(whole(rows, Path("t")), Rule("lru"), 2 * PIECE, fill)
    assert found.evening_missed == missed


def test_a_night_of_filling_spares_the_evening_under_recency() -> None:
    trace = days()
    rate = evening_rate(trace) / 4
    for share in (0.05, 0.1):
        capacity = int(trace.footprint_bytes * share)
        plain = replay_nights(trace, Rule("lru"), capacity, None)
        filled = replay_nights(trace, Rule("lru"), capacity, Fill(0.95, rate))
        assert filled.evening_ratio < plain.evening_ratio * 0.95
        assert filled.origin_ratio < plain.origin_ratio


def test_the_rate_of_the_evening_is_that_of_its_hours_alone() -> None:
    rows = [(hour * HOUR, "a", PIECE, 0) for hour in (0.0, 18.9, 19.0, 22.0, 23.0)]
    assert evening_rate(whole(rows, Path("t"))) == pytest.approx(2 * PIECE / (4 * HOUR))


@pytest.mark.skipif(not MINI.is_file(), reason="no traces beside this project (../shared/traces)")
@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_films_placed_at_night_lower_the_evening_on_the_mini_trace(share: float) -> None:
    trace = read_days(MINI)
    capacity = int(12.8e9 * share)
    plain = replay_nights(trace, Rule("lru"), capacity, None)
    filled = replay_nights(trace, Rule("lru"), capacity, Fill(0.95, evening_rate(trace) / 4))
    assert filled.evening_ratio < plain.evening_ratio - 0.05
    assert filled.origin_ratio < plain.origin_ratio
