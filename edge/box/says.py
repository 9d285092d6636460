"""What an owner says of its answer to another worker: one header line between the two. Pure.

`Cinedge-Owner: outcome=miss; reason=cold; status=206; collapsed; entry=12; at=400; held` means: as
a viewer would be told, this was a miss; the entry is number 12 as of message 400 of the link; the
bytes asked for are held and not sent along.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cdnkit.cache_status import Forward
from cdnkit.fields import FieldLines
from cdnkit.wire import MissClass, Outcome

OWNER_FIELD: Final = b"cinedge-owner"
WORKER_FIELD: Final = b"cinedge-worker"
"""In a request: the number of the worker that asks, and how many messages it had sent before."""
BORROWS: Final = b"borrows"
"""A third word there: what is held need not be sent, the worker reads it from the files."""


@dataclass(frozen=True, slots=True)
class Says:
    """`entry` is the number of the entry as of message `at`, None when nothing is stored."""

    outcome: Outcome
    miss_class: MissClass | None = None
    status: int | None = None
    collapsed: bool = False
    entry: int | None = None
    at: int = 0
    held: bool = False
    forward: Forward | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the owner could not ask for what it answered with."""
        return self.outcome is Outcome.STALE

    @property
    def is_passed(self) -> bool:
        """Whether others need not wait for the like."""
        return self.outcome is Outcome.PASS


def format_says(says: Says) -> bytes:
    """The whole line."""
    words = [f"outcome={says.outcome.value}"]
    if says.miss_class is not None:
        words.append(f"reason={says.miss_class.value}")
    if says.status is not None:
        words.append(f"status={says.status}")
    if says.collapsed:
        words.append("collapsed")
    if says.entry is not None:
        words.append(f"entry={says.entry}; at={says.at}")
    if says.forward is not None:
        words.append(f"forward={says.forward.value}")
    if says.held:
        words.append("held")
    return b"Cinedge-Owner: %b\r\n" % "; ".join(words).encode()


def parse_says(fields: FieldLines) -> Says | None:
    """What the line of an answer says; None without one. Raises ValueError, KeyError."""
    text = fields.text(OWNER_FIELD)
    if text is None:
        return None
    words = dict(word.partition("=")[::2] for word in text.split("; "))
    return Says(
        Outcome(words["outcome"]),
        MissClass(words["reason"]) if "reason" in words else None,
        int(words["status"]) if "status" in words else None,
        "collapsed" in words,
        int(words["entry"]) if "entry" in words else None,
        int(words.get("at", "0")),
        "held" in words,
        Forward(words["forward"]) if "forward" in words else None,
    )
