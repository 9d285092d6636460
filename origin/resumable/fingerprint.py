"""Digests of an object that comes in over many requests: running while they can, caught up if not.

A running SHA-256 cannot be saved, so after a restart, or with parts side by side, it lags behind
the bytes; `catch_up` reads what it has missed. The bytes are hashed once, whichever way.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

from cdnkit.digests import HASHES
from cdnkit.errors import DigestMismatchError
from origin.store.crc32c import Piece

ALWAYS = "sha-256"


class Fingerprint:
    """Digests of the first `position` bytes of an object."""

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        wanted = {ALWAYS, *(name for name in algorithms if name in HASHES)}
        self.position = 0
        self._hashes = {name: HASHES[name]() for name in sorted(wanted)}

    def covers(self, algorithms: Iterable[str]) -> bool:
        """Whether all of these that can be computed are."""
        return all(name in self._hashes for name in algorithms if name in HASHES)

    def copy(self) -> Fingerprint:
        """As it stands; goes on by itself."""
        made = Fingerprint()
        made.position = self.position
        made._hashes = {name: running.copy() for name, running in self._hashes.items()}
        return made

    def update(self, start: int, piece: Piece) -> None:
        """Take the bytes at `start`, if they are the next ones."""
        if start == self.position:
            for running in self._hashes.values():
                running.update(piece)
            self.position += len(piece)

    async def catch_up(self, read: Callable[[int], AsyncIterator[bytes]]) -> None:
        """Read and hash everything from `position` on; one piece is read while one is hashed."""
        hashing: asyncio.Future[None] | None = None
        at = self.position
        async for piece in read(at):
            if hashing is not None:
                await hashing
            hashing = asyncio.ensure_future(asyncio.to_thread(self.update, at, piece))
            at += len(piece)
        if hashing is not None:
            await hashing

    def digests(self) -> Mapping[str, bytes]:
        """By algorithm."""
        return {name: running.digest() for name, running in self._hashes.items()}

    def require(self, announced: Iterable[Mapping[str, bytes]]) -> None:
        """Raise DigestMismatchError unless the bytes are those announced (RFC 9530)."""
        found = self.digests()
        for digests in announced:
            for name, expected in digests.items():
                if name in found and found[name] != expected:
                    raise DigestMismatchError(
                        f"the {name} of the bytes received is not the one announced",
                        algorithm=name,
                    )


def sha256_of(fingerprint: Fingerprint) -> bytes:
    """The digest every object has."""
    return fingerprint.digests()[ALWAYS] if fingerprint.position else hashlib.sha256().digest()
