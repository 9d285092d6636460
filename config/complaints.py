"""What is wrong with a topology, said so that one look at the file is enough to mend it.

Holds the record of one complaint, the error that carries them all, and the search for the name
that was probably meant. What is wrong is decided by the reader and the cross-checks.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

_CLOSE_ENOUGH = 0.6
_PART_WEIGHT = 0.9
"""`router` means `routers` rather than `router_settings`."""
_NAMED_MAX = 8


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake: where it stands, which setting it touches, what is wrong, what would help.

    Line and column count from 1; line 0 means the file as a whole.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        subject = f"{self.path}: " if self.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}: {subject}{self.message}{hint}"


class TopologyError(Exception):
    """A topology that cannot be used; `complaints` holds everything found wrong, in file order."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints: tuple[Complaint, ...] = tuple(complaints)
        super().__init__("\n".join(map(str, self.complaints)))


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The known name closest to `word`, or None when none is close.

    A name also counts by its first part without the unit: `sise` finds `size_bytes`.
    """
    best, best_score = None, _CLOSE_ENOUGH
    for name in names:
        part = _likeness(word, name.rpartition("_")[0])
        score = max(_likeness(word, name), part * _PART_WEIGHT)
        if score >= best_score and (score > best_score or best is None):
            best, best_score = name, score
    return best


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A hint with the nearest of `names`, or with the first of them; empty when there are none."""
    known = list(names)
    close = nearest(word, known)
    if close is not None:
        return f"did you mean {close!r}?"
    if not known:
        return ""
    more = ", ..." if len(known) > _NAMED_MAX else ""
    return f"known: {', '.join(known[:_NAMED_MAX])}{more}"


def _likeness(word: str, name: str) -> float:
    return difflib.SequenceMatcher(None, word.lower(), name.lower()).ratio()
