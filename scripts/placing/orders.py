"""From a placement to the orders that carry it out, edge by edge. Pure.

What is placed no longer is unpinned first and whole, because what stays of it is pinned again by
the next order. All that is placed is warmed, not only what is new: what is there already costs
nothing, and what was lost or never came is brought. Long lists become several orders, which share
the pace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.wire import PIN_PATH, UNPIN_PATH, WARM_PATH
from origin.placement.document import EdgeRow

OBJECTS_MAX: Final = 500
"""Of one order."""
_CONCURRENCY: Final = 4


@dataclass(frozen=True, slots=True)
class Order:
    """A body and where it is posted."""

    path: str
    body: Mapping[str, Any]


def orders_of(edge: EdgeRow) -> list[Order]:
    """In the order in which they have to be given."""
    here = {"edges": [edge.edge]}
    parts = [
        {"object": each.key, "bytes": each.stop_bytes}
        for film in edge.films
        for each in film.objects
        if each.stop_bytes
    ]
    lots = list(_lots(parts))
    hours = {"from_at": edge.from_at, "until_at": edge.until_at}
    pace = {
        "bytes_per_second": max(1, edge.bytes_per_second // max(len(lots), 1)),
        "concurrency": _CONCURRENCY,
    }
    return [
        *(Order(UNPIN_PATH, {"object": lot, **here}) for lot in _lots(edge.released)),
        *(Order(PIN_PATH, {"parts": lot, **here}) for lot in lots),
        *(Order(WARM_PATH, {"parts": lot, **here, **hours, **pace}) for lot in lots),
    ]


def _lots(things: Sequence[Any]) -> Iterator[list[Any]]:
    for first in range(0, len(things), OBJECTS_MAX):
        yield list(things[first : first + OBJECTS_MAX])
