"""Holds work to so many bytes per second, without a burst after a pause.

Pure but for the clock and the waiting, which are given.
"""

from __future__ import annotations

from collections.abc import Callable

BURST_SECONDS = 0.25


class Pacer:
    """Call `spend` after each piece of work; it waits as long as that piece was too early.

    0 bytes per second means as fast as can be. `wait` is given seconds.
    """

    def __init__(
        self,
        bytes_per_second: int,
        clock: Callable[[], float],
        wait: Callable[[float], object],
    ) -> None:
        self._bytes_per_second = bytes_per_second
        self._clock = clock
        self._wait = wait
        self._free_at = clock()

    def spend(self, size_bytes: int) -> None:
        """Count bytes."""
        if not self._bytes_per_second:
            return
        now = self._clock()
        begun = max(self._free_at, now - BURST_SECONDS)
        self._free_at = begun + size_bytes / self._bytes_per_second
        if self._free_at > now:
            self._wait(self._free_at - now)
