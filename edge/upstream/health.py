"""What is thought of one upstream, from how it answers: up, set aside, or on trial. Pure.

Passive: no probes. After a failure it is set aside for a while; then a single request tries it, and
only what that brings lets the others follow. Each failed trial doubles the time.
"""

from __future__ import annotations

import enum
from typing import Final

ASIDE_SECONDS: Final = 5.0
ASIDE_SECONDS_MAX: Final = 60.0
TRIAL_SECONDS_MAX: Final = 60.0
"""A trial nobody reported on, because its asker was ended, counts as over after this."""


class State(enum.Enum):
    """What is true of an upstream."""

    UP = "up"
    ASIDE = "aside"
    TRIAL = "trial"


class Health:
    """One upstream's health; `now` in seconds of any clock."""

    __slots__ = ("_failures", "_until", "state")

    def __init__(self) -> None:
        self.state = State.UP
        self._until = 0.0
        self._failures = 0

    def may_ask(self, now: float) -> bool:
        """Whether a request may go there by right; the one that may after a rest is the trial."""
        if self.state is State.UP:
            return True
        if now < self._until:
            return False
        self.state = State.TRIAL
        self._until = now + TRIAL_SECONDS_MAX
        return True

    def answered(self) -> None:
        """It answered usefully."""
        self.state, self._failures = State.UP, 0

    def failed(self, now: float, rest_seconds: float | None = None) -> None:
        """It failed; `rest_seconds` is what it asked for by Retry-After."""
        if self.state is not State.ASIDE or now >= self._until:
            self._failures += 1
        seconds = ASIDE_SECONDS * 2.0 ** min(self._failures - 1, 10)
        self.state = State.ASIDE
        self._until = now + min(max(seconds, rest_seconds or 0.0), ASIDE_SECONDS_MAX)
