"""Figures of rounds are medians, with the best and the worst round beside them."""

from __future__ import annotations

from scripts.benchmark.crowds import figures


def test_a_line_has_the_median_round_and_the_bounds() -> None:
    rounds = [
        {
            "leader_ms": 40.0 + number,
            "asked_ms": 9.0,
            "added_ms": [0.0, 10.0 * number, 20.0 * number],
            "own_added_ms": [0.0, float(number), 8.0],
        }
        for number in (1, 2, 3)
    ]
    line = figures(rounds)
    assert line.startswith("leader 42.0 ms, followers +20.0 (10.0 to 30.0) at the median")
    assert "+40.0 at most; own wait +2.0; asked within 9.0" in line
