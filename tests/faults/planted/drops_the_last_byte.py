"""An edge that takes the last position of what is there for its size."""

from __future__ import annotations

from dataclasses import replace

from cdnkit.ranges import ContentRange
from edge import storing
from edge.combine import part_of
from edge.http1.response import ResponseHead
from tests.faults.planted import swap

STORY = "replaced-under-readers"


def plant() -> None:
    def part(head: ResponseHead) -> ContentRange | None:
        found = part_of(head)
        if found is None or found.size_bytes is None or found.stop == found.size_bytes:
            return found
        return replace(found, size_bytes=found.size_bytes - 1)

    swap(storing, "part_of", part)
