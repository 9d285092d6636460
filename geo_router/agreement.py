"""What other routers say of our edges, as long as their word is fresh.

Each router publishes which edges it fails to reach with its own probes, never what it was told, so
that a rumour cannot go round. A router that was not heard for a few seconds counts for nothing,
neither way. How many must agree is `fleet`'s part, fetching the views `observers`'. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

FRESH_SECONDS: Final = 3.5
"""Three views a second apart, and a little."""

_EDGES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Opinion:
    """Of one edge: how many other routers know it now, and how many of them fail to reach it."""

    observers: int
    failing: int


ALONE: Final = Opinion(0, 0)


@dataclass(frozen=True, slots=True)
class View:
    """What one router told: edges it cannot reach, and edges it has not looked at."""

    failing: Collection[str]
    unknown: Collection[str]


class Council:
    """The freshest view of every other router, of one address family."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._fresh_seconds = fresh_seconds
        self._views: dict[str, tuple[float, View]] = {}

    def hear(self, router: str, view: View, now: float) -> None:
        """Take in a view."""
        self._views[router] = (now, view)

    def opinion(self, edge: str, now: float) -> Opinion:
        """What the others think of an edge now."""
        observers = failing = 0
        for at, view in self._views.values():
            if now - at < self._fresh_seconds and edge not in view.unknown:
                observers += 1
                failing += edge in view.failing
        return Opinion(observers, failing) if observers else ALONE

    def heard(self, now: float) -> Mapping[str, float]:
        """How long ago each router was heard, in seconds."""
        return {router: round(now - at, 3) for router, (at, _) in self._views.items()}


def view_body(failing: Mapping[str, str], unknown: Collection[str]) -> dict[str, Any]:
    """A view as JSON: reasons are for people, the names count."""
    return {"failing": dict(failing), "unknown": sorted(unknown)}


def read_view(body: object) -> View | None:
    """The reverse of `view_body`; None for anything else."""
    if not isinstance(body, Mapping):
        return None
    failing, unknown = body.get("failing"), body.get("unknown")
    if not isinstance(failing, Mapping) or not isinstance(unknown, list):
        return None
    if len(failing) + len(unknown) > _EDGES_MAX:
        return None
    if not all(isinstance(name, str) for name in (*failing, *unknown)):
        return None
    return View(frozenset(failing), frozenset(unknown))
