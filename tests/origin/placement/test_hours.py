"""Quiet hours follow the sun."""

from __future__ import annotations

import pytest

from origin.placement.hours import next_quiet

HOUR = 3600.0
DAY = 24 * HOUR
NOON = 20_000 * DAY + 12 * HOUR


@pytest.mark.parametrize(
    ("longitude", "begins_hour", "expected"),
    [
        (0.0, 2.0, NOON + 14 * HOUR),
        (15.0, 2.0, NOON + 13 * HOUR),
        (-75.0, 2.0, NOON + 19 * HOUR),
        (180.0, 2.0, NOON + 2 * HOUR),
        (0.0, 24.0, NOON + 12 * HOUR),
    ],
)
def test_hours_begin_earlier_further_east(
    longitude: float, begins_hour: float, expected: float
) -> None:
    assert next_quiet(begins_hour, 6 * HOUR, longitude, NOON) == (expected, expected + 6 * HOUR)


def test_hours_under_way_are_used_while_half_of_them_is_left() -> None:
    begins = NOON - 3 * HOUR
    assert next_quiet(9.0, 6 * HOUR, 0.0, NOON) == (begins, begins + 6 * HOUR)
    assert next_quiet(9.0, 6 * HOUR, 0.0, NOON + 1) == (begins + DAY, begins + DAY + 6 * HOUR)
