"""The observer's own book: which bytes were put when, and what became of each put. Pure.

A film's versions are a chain: each is put on the condition that the one known before is still
there, so that a put whose answer was lost either has happened before the next one succeeds, or
never will. Of a version is known when its put began, and when it was first known to be there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Version:
    """`tag`: what its entity tag ends with; `known_at`: None while nobody knows it to be there."""

    number: int
    content: bytes
    tag: str
    began_at: float
    known_at: float | None = None

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return len(self.content)


@dataclass(slots=True)
class Film:
    """Versions of one path, oldest first. `is_followed`: edges are told when it changes."""

    path: str
    is_followed: bool = True
    versions: list[Version] = field(default_factory=list)

    def begin(self, content: bytes, now: float, tag: str = "") -> Version:
        """A put begins."""
        tag = tag or hashlib.sha256(content).hexdigest()[:16]
        version = Version(len(self.versions) + 1, content, tag, now)
        self.versions.append(version)
        return version

    def find(self, etag: str) -> Version | None:
        """The version of an entity tag."""
        tail = etag.strip('"').rpartition("-")[2]
        return next((each for each in self.versions if each.tag == tail), None)

    def latest_known(self) -> Version | None:
        """The newest that is known to have been there."""
        return next((each for each in reversed(self.versions) if each.known_at is not None), None)

    def replaced_at(self, version: Version) -> float | None:
        """When a later version was first known to be there; None while none is."""
        later = [
            each.known_at for each in self.versions[version.number :] if each.known_at is not None
        ]
        return min(later, default=None)


class Ledger:
    """All films, and below which version which server must not go any more."""

    def __init__(self) -> None:
        self.films: dict[str, Film] = {}
        self._floors: dict[tuple[str, str], list[tuple[float, int]]] = {}

    def add(self, film: Film) -> Film:
        """Know one more film."""
        self.films[film.path] = film
        return film

    def raise_floor(self, server: str, path: str, now: float, number: int) -> None:
        """Who asks this server from now on never gets a version before `number`."""
        self._floors.setdefault((server, path), []).append((now, number))

    def floor(self, server: str, path: str, asked_at: float) -> int:
        """The oldest version this server may answer with; 0 when any will do."""
        floors = self._floors.get((server, path), ())
        return max((number for since, number in floors if since < asked_at), default=0)
