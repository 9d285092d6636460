"""Kinds of content that have a share of a disk each, told apart by the prefix of their target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

OTHER: Final = "other"
"""What has no share of its own; prefixes begin with a slash."""


class Kinds:
    """Which kind an entry is of: 0 for what has no share, else one more than its prefix's place.

    The longest prefix counts. Numbers are those of entries, from `enrol` to `forget`. `room_bytes`
    is what each kind is sure of, `held_bytes` what it has: the rule over them (`shares`) says so.
    """

    def __init__(self, prefixes: Sequence[bytes]) -> None:
        self.names = (OTHER, *(prefix.decode(errors="replace") for prefix in prefixes))
        self.room_bytes = [0] * len(self.names)
        self.held_bytes = [0] * len(self.names)
        by_length = sorted(enumerate(prefixes, 1), key=lambda each: len(each[1]), reverse=True)
        self._prefixes = [(prefix, kind) for kind, prefix in by_length]
        self._by_number: dict[int, int] = {}

    def levels(self) -> Iterator[tuple[str, int, int]]:
        """Each kind's name, what it is sure of and what it has, in bytes."""
        return zip(self.names, self.room_bytes, self.held_bytes, strict=True)

    def enrol(self, number: int, target: bytes) -> None:
        """An entry has taken a number."""
        for prefix, kind in self._prefixes:
            if target.startswith(prefix):
                self._by_number[number] = kind
                return

    def forget(self, number: int) -> None:
        """Nothing of the entry is held any more."""
        self._by_number.pop(number, None)

    def of(self, number: int) -> int:
        """The kind of an entry."""
        return self._by_number.get(number, 0)
