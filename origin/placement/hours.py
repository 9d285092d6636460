"""When the next quiet hours of an edge begin and end. Pure.

Hours are by the sun: 4 minutes a degree of longitude, no time zones and no summer time, because
viewers sleep by the sun closely enough and a rule that needs no table cannot be out of date.
"""

from __future__ import annotations

from typing import Final

_DAY_SECONDS: Final = 86_400.0
_SECONDS_A_DEGREE: Final = 240.0


def next_quiet(
    begins_hour: float, quiet_seconds: float, longitude: float, now: float
) -> tuple[float, float]:
    """[from, until) in epoch seconds; hours that are under way, if half of them is left."""
    begins = begins_hour * 3600 - longitude * _SECONDS_A_DEGREE
    since = (now - begins) % _DAY_SECONDS
    if since <= quiet_seconds / 2:
        return now - since, now - since + quiet_seconds
    following = now - since + _DAY_SECONDS
    return following, following + quiet_seconds
