"""Rows come back from their parts as they went in; the digest is that of the file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pyarrow import parquet

from origin.batch.destination import Folder
from origin.batch.parquet import ACTIVITY, TITLES, write_parts
from origin.batch.source import Rows
from tests.helpers.activity_log import made_events


def rows(count: int) -> list[dict[str, Any]]:
    events = made_events(count, profiles=4, title_count=10)
    return [{"number": number, **made} for number, made in enumerate(events)]


async def pages_of(given: list[dict[str, Any]], size: int) -> AsyncIterator[Rows]:
    for start in range(0, len(given), size):
        yield given[start : start + size]


async def test_rows_survive_whatever_the_size_of_pages_and_parts(tmp_path: Path) -> None:
    given = rows(100)
    for page_rows, part_rows, count in ((100, 100, 1), (7, 1_000, 1), (10, 20, 5), (7, 50, 2)):
        place = Folder(tmp_path / f"{page_rows}-{part_rows}")
        pages = pages_of(given, page_rows)
        parts = await write_parts(place, "log", ACTIVITY, pages, part_rows)
        assert len(parts) == count
        found = []
        for number, part in enumerate(parts):
            assert part.path == f"log/part-{number:05}.parquet"
            content = b"".join(place.read(part.path))
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                part.size_bytes,
                part.sha256,
            )
            table = parquet.read_table(io.BytesIO(content))
            assert table.num_rows == part.rows
            found += table.to_pylist()
        assert found == given


async def test_nothing_is_one_empty_part(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    (part,) = await write_parts(place, "titles", TITLES, pages_of([], 1))
    table = parquet.read_table(io.BytesIO(b"".join(place.read(part.path))))
    assert (table.num_rows, part.rows) == (0, 0)
    assert table.schema == TITLES
