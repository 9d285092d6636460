from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.simulation.access_log import rows_of

WHEN = 1_764_331_200.5


def line(**changes: Any) -> str:
    record = {
        "time": "2025-11-28T12:00:00.500Z",
        "method": "GET",
        "path": "/films/a.mp4",
        "status": 206,
        "bytes": 1_300,
        "range": "bytes=1000-1999",
    }
    return json.dumps({name: value for name, value in (record | changes).items() if value})


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, [(WHEN, "/films/a.mp4", 1000, 1000)]),
        ({"range": "bytes=0-9, 50-59"}, [(WHEN, "/films/a.mp4", 10, at) for at in (0, 50)]),
        ({"range": "bytes=500-"}, [(WHEN, "/films/a.mp4", 1_300, 500)]),
        ({"range": "bytes=-500"}, []),
        ({"range": None}, []),
        ({"status": 200, "range": None}, [(WHEN, "/films/a.mp4", 1_300, 0)]),
        ({"status": 200}, [(WHEN, "/films/a.mp4", 1_300, 0)]),
        ({"status": 304}, []),
        ({"status": 502}, []),
        ({"method": "HEAD", "status": 200}, []),
    ],
)
def test_a_line_says_what_was_asked_for(changes: dict[str, Any], rows: list[Any]) -> None:
    assert rows_of(line(**changes)) == rows


@pytest.mark.parametrize("text", ["", "[]", "1", "{", line(time=None), line(time="yesterday")])
def test_what_is_no_line_of_an_access_log_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller names file and line
        rows_of(text)
