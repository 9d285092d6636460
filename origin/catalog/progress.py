"""A number that only grows, and the wake-up of those who wait for more of it.

The catalog advances it after its memory is up to date; what the number counts is its business.
"""

from __future__ import annotations

import asyncio


class Progress:
    """The number that was reached."""

    def __init__(self, reached: int) -> None:
        self._reached = reached
        self._more = asyncio.Event()

    @property
    def reached(self) -> int:
        """The newest number."""
        return self._reached

    def advance(self, number: int) -> None:
        """Reach `number`, and wake everyone who waits; a smaller one is no news."""
        if number > self._reached:
            self._reached = number
            self._more.set()
            self._more = asyncio.Event()

    async def wait_beyond(self, number: int) -> None:
        """Return once more than `number` is reached."""
        while self._reached <= number:
            await self._more.wait()
