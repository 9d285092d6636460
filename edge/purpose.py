"""What content is fetched for, as far as it is counted apart: a viewer, an order, a placed film.

Known to a task and to those that it starts, and told to whom it asks: another worker of the box, or
another edge, fetches for the same purpose. Only from those is it believed.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

from cdnkit.fields import FieldLines, Pair
from cdnkit.wire import Traffic
from edge.onward import PURPOSE_FIELD

_purpose: ContextVar[Traffic] = ContextVar("purpose", default=Traffic.FILL_MISS)
_TOLD: Final = {each.value.encode(): each for each in (Traffic.FILL_WARM, Traffic.FILL_PLACEMENT)}


def purpose() -> Traffic:
    """What this task fetches for."""
    return _purpose.get()


def fetch_for(traffic: Traffic) -> None:
    """From now on this task, and those it starts, fetch for this."""
    _purpose.set(traffic)


def purpose_pairs() -> tuple[Pair, ...]:
    """The field for a question to a worker or an edge of ours; none for viewers."""
    traffic = _purpose.get()
    return () if traffic is Traffic.FILL_MISS else ((PURPOSE_FIELD, traffic.value.encode()),)


def heed_purpose(fields: FieldLines) -> None:
    """Fetch for what a worker or an edge of ours fetches for."""
    traffic = _TOLD.get(fields.first(PURPOSE_FIELD) or b"")
    if traffic is not None:
        fetch_for(traffic)
