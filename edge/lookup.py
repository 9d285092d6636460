"""What a worker holds for a request, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cdnkit.cache_status import Forward
from cdnkit.freshness import Freshness
from cdnkit.service.tracing import step
from cdnkit.wire import MissClass
from edge.cache.holdings import Holdings
from edge.decision import Decision, Fetch, Revalidate, decide, in_doubt
from edge.entry import Entry
from edge.http1.request import Request
from edge.routing import PathRule
from edge.selection import Selection, is_servable, select

_VARIANT: Final = b"\n"
"""Stands in keys of variants, and in no target."""


@dataclass(frozen=True, slots=True)
class Found:
    """`entry` and what is selected of it, or None; `decision` says what to do.

    `forward` is why the upstream is asked, where the outcome does not say it.
    """

    key: bytes
    entry: Entry | None
    selection: Selection | None
    decision: Decision
    forward: Forward | None


class Lookup:
    """Finds entries and has their fate decided."""

    def __init__(self, holdings: Holdings, now: Callable[[], float]) -> None:
        self._holdings = holdings
        self._now = now

    async def reach(self, target: bytes) -> None:
        """Return once that of a target is known which can answer for it, while disks are read."""
        await self._holdings.loading.reach(target)

    def key_of(self, target: bytes, request: Request) -> bytes:
        """The key under which an answer to this request would be held now."""
        return self._holdings.key_of(target, request.fields)

    def find(self, key: bytes, request: Request, rule: PathRule) -> Found:
        """What is held under `key`, and what to do for this request."""
        with step("look up") as span:
            found = self._find(key, request, rule)
            if span is not None:
                span.attributes["cinedge.decision"] = type(found.decision).__name__.lower()
            return found

    def _find(self, key: bytes, request: Request, rule: PathRule) -> Found:
        entry = self._holdings.entries.get(key)
        selection = None if entry is None else select(request, entry)
        if entry is not None and selection is not None and not is_servable(entry, selection):
            # Its missing blocks cannot be told from another version's: begin anew.
            self._holdings.remove(entry, MissClass.EVICTED)
            entry = selection = None
        if entry is not None:
            self._holdings.used(entry)
        now = self._now()
        decision = decide(
            request.fields,
            None if entry is None else self._freshness(entry, rule, now),
            self._holdings.why_missing(key),
            now,
            rule.policy,
        )
        return Found(key, entry, selection, decision, _why_forwarded(key, decision))

    def _freshness(self, entry: Entry, rule: PathRule, now: float) -> Freshness:
        freshness = entry.head.freshness
        doubted = self._holdings.trust.doubts(entry.mark, is_followed=rule.is_followed)
        return in_doubt(freshness, now) if doubted else freshness


def _why_forwarded(key: bytes, decision: Decision) -> Forward | None:
    """RFC 9211 2.2: a variant that is not held, or what the client's directives ask for."""
    match decision:
        case Fetch(MissClass.COLD) if _VARIANT in key:
            return Forward.VARY_MISS
        case Revalidate(_, by_wish=True):
            return Forward.REQUEST
        case _:
            return None
