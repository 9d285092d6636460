"""An edge that keeps, as if it were new, what it had asked for before a purge."""

from __future__ import annotations

from edge.cache.epochs import Epochs
from tests.faults.planted import swap

STORY = "purged-while-it-is-fetched"


def plant() -> None:
    swap(Epochs, "is_past", lambda self, target, asked: False)
