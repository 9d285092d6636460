"""Rows of the catalog as frozen records: what the rest of the origin knows of SQL.

They say what is published and what happened; they leave how it is kept to `tables` and how it
is asked for to `catalog`. Per-extent checksums are deliberately absent: no read needs them and
20,000 films would hold three million integers in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdnkit.validators import Validators
from cdnkit.wire import ChangeKind
from origin.store.base import StoredObject


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """A published object.

    `stored_generation` is the number its bytes carry in the store. It differs from `generation`
    when two uploads of a key overlapped and the one that began first ended last.
    """

    key: str
    generation: int
    stored_generation: int
    size_bytes: int
    extent_bytes: int
    content_type: str
    sha256: str
    etag: str
    created_at: float

    @property
    def stored(self) -> StoredObject:
        """Where its bytes are."""
        return StoredObject(self.key, self.stored_generation, self.size_bytes, self.extent_bytes)

    @property
    def validators(self) -> Validators:
        """What conditions are compared with."""
        return Validators(self.etag, int(self.created_at))


@dataclass(frozen=True, slots=True)
class TitleRow:
    """A film's metadata: `body` is the JSON object as text, kept and served without re-parsing."""

    title_id: str
    body: str
    version: int
    updated_at: float
    etag: str

    @property
    def validators(self) -> Validators:
        """What conditions are compared with."""
        return Validators(self.etag, int(self.updated_at))


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the journal."""

    sequence: int
    at: float
    kind: ChangeKind
    key: str
    generation: int
    etag: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes nobody may reach any more (or never could), and when they may go."""

    stored: StoredObject
    due_at: float


def format_object_etag(generation: int, sha256: str) -> str:
    """The strong validator of an object: `"<generation>-<first 16 hex of its sha256>"`."""
    return f'"{generation}-{sha256[:16]}"'


def format_title_etag(version: int, sha256: str) -> str:
    """The strong validator of a title; the digest tells a re-created title from the old one."""
    return f'"{version}-{sha256[:16]}"'
