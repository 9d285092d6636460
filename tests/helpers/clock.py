"""Time that moves only when a test says so."""

from __future__ import annotations


class FakeClock:
    """Call it for the present moment, in seconds; `advance` makes time pass."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0, "time does not run backwards; set `now` to test a clock that does"
        self.now += seconds
