"""What a worker holds for a request, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cdnkit.freshness import CachePolicy
from cdnkit.wire import MissClass
from edge.cache.holdings import Holdings
from edge.decision import Decision, decide
from edge.entry import Entry
from edge.http1.request import Request
from edge.selection import Selection, is_servable, select


@dataclass(frozen=True, slots=True)
class Found:
    """`entry` and what is selected of it, or None; `decision` says what to do."""

    key: bytes
    entry: Entry | None
    selection: Selection | None
    decision: Decision


class Lookup:
    """Finds entries under one policy."""

    def __init__(self, holdings: Holdings, policy: CachePolicy, now: Callable[[], float]) -> None:
        self._holdings = holdings
        self._policy = policy
        self._now = now

    def key_of(self, target: bytes, request: Request) -> bytes:
        """The key under which an answer to this request would be held now."""
        return self._holdings.key_of(target, request.fields)

    def find(self, key: bytes, request: Request) -> Found:
        """What is held under `key`, and what to do for this request."""
        entry = self._holdings.entries.get(key)
        selection = None if entry is None else select(request, entry)
        if entry is not None and selection is not None and not is_servable(entry, selection):
            # Its missing blocks cannot be told from another version's: begin anew.
            self._holdings.remove(entry, MissClass.EVICTED)
            entry = selection = None
        if entry is not None:
            self._holdings.used(entry)
        decision = decide(
            request.fields,
            None if entry is None else entry.head.freshness,
            self._holdings.why_missing(key),
            self._now(),
            self._policy,
        )
        return Found(key, entry, selection, decision)
