"""An edge that starts at the end of the journal, wherever it had stopped before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.feed import Feed
from tests.faults.planted import swap

STORY = "edge-killed-while-replaced"


def plant() -> None:
    apply = Feed._apply

    async def apply_news(self: Feed, change: Mapping[str, Any]) -> None:
        if self.reached.is_set():
            await apply(self, change)

    swap(Feed, "_apply", apply_news)
