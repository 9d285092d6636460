"""An edge that goes on trusting what it holds while its change feed is lost."""

from __future__ import annotations

from edge.cache.holdings import Holdings
from edge.storing import Storing
from tests.faults.planted import swap

STORY = "feed-cut-while-replaced"


def plant() -> None:
    def is_overtaken(self: Storing, target: bytes, epoch: int) -> bool:
        return self._holdings.epochs.is_past(target, epoch)

    swap(Holdings, "distrust", lambda self: None)
    swap(Storing, "_is_overtaken", is_overtaken)
