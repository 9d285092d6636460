from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.dates import format_http_date, parse_http_date
from tests.helpers.vectors import case_id, load_vectors

FIRST_SECOND = -62_135_596_800  # of year 1
LAST_SECOND = 253_402_300_799  # of year 9999
seconds = st.integers(FIRST_SECOND, LAST_SECOND)


@pytest.mark.parametrize("case", load_vectors("dates"), ids=case_id)
def test_text_is_the_date_of_the_standard_or_none(case: dict[str, Any]) -> None:
    assert parse_http_date(case["text"], case.get("now")) == case["at"]


@given(seconds)
def test_date_survives_writing_and_reading(at: int) -> None:
    assert parse_http_date(format_http_date(at)) == at


@given(st.integers(0, 4_000_000_000))
def test_date_is_written_as_the_standard_library_writes_it(at: int) -> None:
    assert format_http_date(at) == formatdate(at, usegmt=True)


@given(st.floats(0, 4_000_000_000))
def test_fractions_of_a_second_are_dropped(at: float) -> None:
    assert format_http_date(at) == format_http_date(int(at))


def test_fraction_before_1970_belongs_to_the_second_it_is_in() -> None:
    assert format_http_date(-0.5) == "Wed, 31 Dec 1969 23:59:59 GMT"


@given(seconds)
def test_asctime_form_is_the_same_instant(at: int) -> None:
    on = datetime.fromtimestamp(at, UTC)
    day, clock, year = f"{on.day:2}", on.strftime("%H:%M:%S"), f"{on.year:04}"
    assert parse_http_date(f"{on:%a} {on:%b} {day} {clock} {year}") == at


@given(st.integers(0, 4_000_000_000), st.integers(-3_000_000_000, 1_500_000_000))
def test_two_digit_year_is_the_latest_within_fifty_years(now: int, distance: int) -> None:
    at = now + distance
    on = datetime.fromtimestamp(at, UTC)
    parsed = parse_http_date(on.strftime("%A, %d-%b-%y %H:%M:%S GMT"), now=now)
    if parsed is None:  # 29 February moved to a century year without one
        assert (on.month, on.day) == (2, 29)
        return
    read, today = datetime.fromtimestamp(parsed, UTC), datetime.fromtimestamp(now, UTC)
    assert read.year % 100 == on.year % 100
    assert read.timetuple()[1:6] == on.timetuple()[1:6]
    assert -50 <= read.year - today.year <= 50
    if -49 <= on.year - today.year <= 49:
        assert parsed == at


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse_http_date(text)


@given(
    st.from_regex(r"\A(Mon|Sunday), [0-9]{2}[ -]Feb[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z")
)
def test_no_text_of_the_right_shape_raises(text: str) -> None:
    for now in (None, 0.0, 1_750_000_000.0):
        parse_http_date(text, now)
