"""Tables of a few rows, to evaluate expressions over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ibis
import pyarrow as pa
from ibis.expr.types import Table

from origin.batch.parquet import ACTIVITY, TITLES
from tests.helpers.activity_log import event

Rows = list[dict[str, Any]]
RowsOf = Callable[[Table], Rows]


def log_of(events: Iterable[Mapping[str, Any]]) -> Table:
    """A log of these events, in this order."""
    rows = [{"number": n, **event(f"e{n}", **each)} for n, each in enumerate(events, 1)]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=ACTIVITY))


def titles_of(genres: Mapping[str, str], duration_seconds: float = 6_000.0) -> Table:
    """Titles with a genre each."""
    rows = [
        {
            **{"title": name, "name": name, "genre": genre, "genres": [genre], "year": 2000},
            **{"age": 0, "duration_seconds": duration_seconds, "version": 1},
        }
        for name, genre in genres.items()
    ]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=TITLES))


def table_of(rows: Rows, **types: str) -> Table:
    """Any table."""
    if types:
        schema = ibis.schema(types).to_pyarrow()
        return ibis.memtable(pa.Table.from_pylist(rows, schema=schema))
    return ibis.memtable(pa.Table.from_pylist(rows))
