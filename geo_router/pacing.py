"""A bucket of permits that fills with time: how much of something is answered per second. Pure."""

from __future__ import annotations

import math


class Bucket:
    """Permits up to one second's worth, so that a short burst passes."""

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._permits = per_second
        self._at = now

    def take(self, now: float) -> bool:
        """Take one permit, if there is one."""
        elapsed_seconds = max(0.0, now - self._at)
        self._permits = min(self._per_second, self._permits + elapsed_seconds * self._per_second)
        self._at = max(self._at, now)
        if self._permits < 1:
            return False
        self._permits -= 1
        return True

    def wait_seconds(self, spread: float) -> int:
        """When to come back; `spread` (0 to 1) keeps those who are sent away from returning at
        once."""
        return math.ceil(1 + 9 * spread)
