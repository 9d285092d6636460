"""An edge that goes on trusting what it holds while its change feed is lost."""

from __future__ import annotations

from edge.trust import Trust
from tests.faults.planted import swap

STORY = "feed-cut-while-replaced"


def plant() -> None:
    swap(Trust, "doubts", lambda self, mark, *, is_followed: False)
