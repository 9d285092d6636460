"""What is found beside the lists lies beside the snapshot, named by a file that is written last."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
from ibis.expr.types import Table
from pyarrow import parquet

from origin.batch.destination import Folder
from origin.batch.engines import DuckDb
from origin.batch.generate import Lists, Results
from origin.batch.manifest import Part
from origin.batch.results import save_results
from origin.batch.shelf import check_bytes, read_whole


def table_of(engine: DuckDb, folder: Path, number: int) -> Table:
    path = folder / f"table-{number}"
    parquet.write_table(pa.table({"n": [number], "text": [str(number)]}), path)
    return engine.table(f"table_{number}", [str(path)])


def test_tables_are_kept_whole_and_named(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    engine = DuckDb()
    try:
        one, two = (table_of(engine, tmp_path, number) for number in (1, 2))
        found = Results(Lists(two, two, one, one), two, one.filter(one.n > 1), two, one)
        parts = save_results(engine, place, "snapshot", found)
    finally:
        engine.close()
    said = json.loads(read_whole(place, "snapshot/results/results.json"))
    assert [Part(**each) for each in said["parts"]] == list(parts)
    rows = {}
    for part in parts:
        check_bytes(place, part)
        table = parquet.read_table(io.BytesIO(read_whole(place, part.path)))
        assert table.num_rows == part.rows
        rows[Path(part.path).stem] = table.to_pydict()
    assert rows == {
        "neighbours": {"n": [1], "text": ["1"]},
        "hourly": {"n": [2], "text": ["2"]},
        "baselines": {"n": [], "text": []},
        "demand": {"n": [2], "text": ["2"]},
        "reach": {"n": [1], "text": ["1"]},
    }
