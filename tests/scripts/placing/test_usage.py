"""Lines of an access log become what was used of a placement."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from origin.placement.document import Document, EdgeRow, FilmRow, PlacedObject
from origin.placement.planner import Reason
from scripts.placing.usage import FilmUse, Usage

DAY = 20_000 * 86_400.0
FROM, UNTIL = DAY + 2 * 3600, DAY + 8 * 3600


def placed(name: str, stop: int) -> FilmRow:
    objects = (PlacedObject(f"{name}.mp4", stop),)
    return FilmRow(name, 1_000, stop, 0, 300, Reason.WANTED, objects)


ROW = EdgeRow("e", FROM, UNTIL, 1, 1, 1, 1.0, (placed("a", 500), placed("b", 100), placed("c", 0)))
DOCUMENT = Document(FROM, "s", 1, (ROW,))


def line(path: str, first: int, stop: int, *, at: float = UNTIL, **more: Any) -> str:
    told: dict[str, Any] = {
        "time": datetime.fromtimestamp(at, UTC).isoformat(),
        "node": "e",
        "method": "GET",
    }
    told |= {"path": path, "status": 206, "bytes": stop - first + 200}
    return json.dumps({**told, "range": f"bytes={first}-{stop - 1}", **more})


def usage_of(*lines: str, prefixes: tuple[str, ...] = ("/",)) -> Usage:
    usage = Usage(DOCUMENT, prefixes)
    usage.take(lines)
    return usage


def test_bytes_inside_and_beyond_what_is_placed_are_told_apart() -> None:
    (edge,) = usage_of(
        line("/b.mp4", 0, 40), line("/b.mp4", 50, 150), line("/other", 0, 70), line("/c.mp4", 0, 9)
    ).edges()
    assert edge.films == [FilmUse("b", 100, 300, 90, 50), FilmUse("a", 500, 300)]
    assert (edge.other_bytes, edge.lines) == (79, 4)
    assert (edge.placed_bytes, edge.expected_bytes, edge.used_bytes) == (600, 600, 90)
    assert edge.idle_bytes == 500


def test_a_line_that_stands_for_others_counts_for_them() -> None:
    (edge,) = usage_of(
        line("/b.mp4", 50, 150, sample=0.1), line("/other", 0, 7, sample=0.1)
    ).edges()
    assert edge.films[0] == FilmUse("b", 100, 300, 500, 500)
    assert edge.other_bytes == 70


def test_only_the_day_after_the_night_counts_and_only_this_edge() -> None:
    next_night = FROM + 86_400
    usage = usage_of(
        line("/a.mp4", 0, 10, at=UNTIL - 1),
        line("/a.mp4", 0, 20, at=next_night - 1),
        line("/a.mp4", 0, 40, at=next_night),
        line("/a.mp4", 0, 80, node="elsewhere"),
    )
    assert usage.edges()[0].used_bytes == 20
    assert usage.unread_lines == 0


def test_a_viewer_who_leaves_has_used_what_was_sent() -> None:
    usage = usage_of(line("/a.mp4", 0, 400, bytes=30), line("/a.mp4", 0, 1, range="bytes=100-"))
    assert usage.edges()[0].used_bytes == 30 + 201


def test_tokens_queries_and_prefixes_are_no_part_of_a_key() -> None:
    usage = usage_of(
        line("/films/a.mp4?x=1", 0, 10),
        line("/~REDACTED/films/a.mp4", 0, 10),
        prefixes=("/", "/films/"),
    )
    assert usage.edges()[0].used_bytes == 20


def test_lines_that_are_none_are_counted() -> None:
    usage = usage_of("", "[]", "{", line("/a.mp4", 0, 10))
    assert usage.unread_lines == 3
    assert usage.edges()[0].used_bytes == 10
