"""An edge that takes the last position of a range for one that is not sent, and adds one."""

from __future__ import annotations

from cdnkit.ranges import Multi, Single, Unsatisfiable, Whole, plan_ranges
from edge import selection
from tests.faults.planted import swap

STORY = "replaced-under-readers"


def plant() -> None:
    def plan(header: str | None, size: int) -> Whole | Single | Multi | Unsatisfiable:
        planned = plan_ranges(header, size)
        if isinstance(planned, Single) and planned.stop < size:
            return Single(planned.start, planned.stop + 1)
        return planned

    swap(selection, "plan_ranges", plan)
