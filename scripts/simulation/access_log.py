"""Requests from an edge's own access log: what was asked for, by path and range.

Only answers with content count: 200 and 206 to GET. The log has no lengths of films, so a range
without an end is taken to go as far as the bytes that were sent.
"""

from __future__ import annotations

import json
from datetime import datetime

from cdnkit.ranges import Span, parse_ranges

Row = tuple[float, str, int, int]
"""Seconds, key, bytes, offset."""


def rows_of(line: str) -> list[Row]:
    """What one line asked for, one row a range; empty for lines that do not count.

    Raises ValueError for a line that is none of an access log.
    """
    record = json.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    if record.get("method", "GET") != "GET" or record.get("status") not in (200, 206):
        return []
    if not {"time", "path", "bytes"} <= record.keys():
        raise ValueError("time, path or bytes is missing")
    seconds = datetime.fromisoformat(record["time"]).timestamp()
    key, sent_bytes = str(record["path"]), int(record["bytes"])
    specs = parse_ranges(str(record.get("range", ""))) if record["status"] == 206 else None
    if not specs:
        return [(seconds, key, sent_bytes, 0)] if record["status"] == 200 and sent_bytes else []
    rows = []
    for spec in specs:
        if isinstance(spec, Span):
            stop = spec.first + sent_bytes if spec.last is None else spec.last + 1
            rows.append((seconds, key, stop - spec.first, spec.first))
    return rows
