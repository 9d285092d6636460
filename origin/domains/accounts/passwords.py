"""Hashing of passwords and PINs with argon2id, off the event loop and a few at a time.

What a hash costs is a setting; one made under other settings still verifies and is made again at
the next sign-in. Whether an address has an account is not told by time: without one, the same work
is done against a hash that no password has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from cdnkit.errors import UnavailableError

T = TypeVar("T")

WAITING_MAX: Final = 200
"""At 0.1 s each, who comes behind these would have left before it is their turn."""


class Passwords:
    """Hashes and verifies; at most `at_once` at a time, each in a thread."""

    def __init__(
        self, *, memory_bytes: int, passes: int, lanes: int, at_once: int, waiting_max: int
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_bytes // 1024, parallelism=lanes, type=Type.ID
        )
        self._slots = asyncio.Semaphore(at_once)
        self._waiting_max = waiting_max
        self._waiting = 0
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """A new hash, with its salt and costs in it. Raises UnavailableError."""
        return await self._work(lambda: self._hasher.hash(password))

    async def verify(self, kept: str, password: str) -> bool:
        """Whether the password has this hash; an empty one is nobody's. Raises UnavailableError."""
        fits = await self._work(lambda: self._verify(kept or self._nobodys, password))
        return fits and bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made under other costs than now."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._waiting_max:
            raise UnavailableError("Too many people sign in at this moment.")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
