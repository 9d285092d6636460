"""An engine is found by its name, reads files, and gives rows in batches."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from cdnkit.errors import BadRequestError, UnavailableError
from origin.batch.engines import BATCH_ROWS, DuckDb, open_engine


def test_files_are_read_kept_and_given_in_batches(tmp_path: Path) -> None:
    rows = 2 * BATCH_ROWS + 7
    halves = (range(rows // 2), range(rows // 2, rows))
    for name, half in zip("ab", halves, strict=True):
        parquet.write_table(pa.table({"n": list(half)}), tmp_path / name)
    engine = open_engine("duckdb")
    assert isinstance(engine, DuckDb)
    try:
        table = engine.table("numbers", [str(tmp_path / name) for name in "ab"])
        kept = engine.keep("doubled", table.mutate(m=table.n * 2))
        batches = list(engine.batches(kept.order_by("n")))
    finally:
        engine.close()
    assert len(batches) > 1
    found = pa.Table.from_batches(batches).to_pydict()
    assert found["n"] == list(range(rows))
    assert found["m"] == list(range(0, 2 * rows, 2))


def test_unknown_and_missing_engines_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequestError, match="'hive' is no engine: duckdb or spark"):
        open_engine("hive")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    monkeypatch.delitem(sys.modules, "origin.batch.spark", raising=False)
    with pytest.raises(UnavailableError, match=r"pip install 'cinedge\[spark\]'"):
        open_engine("spark")
