"""HTTP dates: the three forms of RFC 9110 5.6.7 and nothing else.

Decides which instant a text names, or that it names none: a date that is nearly right (another
zone, a missing comma, a one-digit hour) is no date, because caches must treat it as expired. What
follows from a date is decided by `freshness` and `validators`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from math import floor
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_MONTH_NUMBERS: Final = {name.lower(): number for number, name in enumerate(_MONTHS, start=1)}

_DAY: Final = "(?:" + "|".join(_DAYS) + ")"
_LONG_DAY: Final = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH: Final = "(?P<month>" + "|".join(_MONTHS) + ")"
_TIME: Final = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"

# Case does not matter to caches (RFC 9111 4.2). ASCII keeps other scripts' letters from folding in.
_FLAGS: Final = re.IGNORECASE | re.ASCII
_IMF_FIXDATE: Final = re.compile(
    f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT", _FLAGS
)
_RFC850_DATE: Final = re.compile(
    f"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT", _FLAGS
)
_ASCTIME_DATE: Final = re.compile(
    f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})", _FLAGS
)

_SECONDS_OF_DAY: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_TWO_DIGIT_YEARS_AHEAD: Final = 50
_LAST_TWO_DIGIT_YEAR: Final = 2069  # of POSIX strptime, when the caller does not say what is now


def parse_http_date(text: str, now: float | None = None) -> int | None:
    """Seconds since 1970 of an HTTP date, or None when it is none (RFC 9110 5.6.7).

    `now` places the two-digit years of the RFC 850 form; without it they mean 1970 to 2069. The
    day of the week has to be one, but not the right one.
    """
    match = _IMF_FIXDATE.fullmatch(text) or _ASCTIME_DATE.fullmatch(text)
    if match is not None:
        return _instant(match, int(match["year"]))
    match = _RFC850_DATE.fullmatch(text)
    if match is not None:
        return _instant(match, _full_year(match, now))
    return None


def format_http_date(at: float) -> str:
    """The instant as an IMF-fixdate, fractions of a second dropped (RFC 9110 5.6.7)."""
    day, second_of_day = divmod(floor(at), _SECONDS_OF_DAY)
    minute_of_day, second = divmod(second_of_day, 60)
    hour, minute = divmod(minute_of_day, 60)
    return f"{_format_day(day)} {hour:02}:{minute:02}:{second:02} GMT"


@lru_cache(maxsize=1024)
def _format_day(day: int) -> str:
    on = date.fromordinal(_EPOCH_ORDINAL + day)
    return f"{_DAYS[on.weekday()]}, {on.day:02} {_MONTHS[on.month - 1]} {on.year:04}"


def _instant(match: re.Match[str], year: int) -> int | None:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        on = date(year, _MONTH_NUMBERS[match["month"].lower()], int(match["day"]))
    except ValueError:  # 30 February, year 0
        return None
    days = on.toordinal() - _EPOCH_ORDINAL
    # A leap second has no number of its own on our clocks.
    return days * _SECONDS_OF_DAY + hour * 3600 + minute * 60 + min(second, 59)


def _full_year(match: re.Match[str], now: float | None) -> int:
    """The latest year with these two digits that is at most 50 years ahead."""
    two_digits = int(match["year"])
    if now is None:
        return _LAST_TWO_DIGIT_YEAR - (_LAST_TWO_DIGIT_YEAR - two_digits) % 100
    today = datetime.fromtimestamp(now, UTC)
    last_year = today.year + _TWO_DIGIT_YEARS_AHEAD
    year = last_year - (last_year - two_digits) % 100
    asked = (
        _MONTH_NUMBERS[match["month"].lower()],
        *(int(match[part]) for part in ("day", "hour", "minute", "second")),
    )
    allowed = (today.month, today.day, today.hour, today.minute, today.second)
    return year - 100 if year == last_year and asked > allowed else year
