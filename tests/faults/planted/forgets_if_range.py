"""An edge that answers a part whatever version If-Range names."""

from __future__ import annotations

from edge import selection
from edge.entry import Entry
from edge.http1.request import Request
from tests.faults.planted import swap

STORY = "replaced-under-readers"


def plant() -> None:
    def counts(request: Request, entry: Entry) -> bool:
        return request.method == b"GET" and b"range" in request.fields

    swap(selection, "_range_counts", counts)
