"""What one engine makes of files is taken as lists, and lies beside the snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from origin.batch.destination import Folder
from origin.batch.engines import DuckDb
from origin.batch.evaluating import evaluate
from origin.batch.generator.terms import Terms
from origin.batch.inputs import Inputs
from origin.batch.manifest import Manifest
from origin.batch.parquet import ACTIVITY, TITLES
from origin.catalog.recommended import PROFILE, REGION
from tests.helpers.activity_log import DAY_SECONDS, START, made_events

MANIFEST = Manifest("20260921T000000Z-1", 1, START + 3 * DAY_SECONDS, (), ())


def inputs(folder: Path) -> Inputs:
    log = [
        {"number": number, **each}
        for number, each in enumerate(made_events(200, profiles=6, title_count=20, days=3), 1)
    ]
    titles: list[dict[str, Any]] = [
        {
            **{"title": f"t{n:04}", "name": "", "genre": str(n % 5), "genres": [], "year": None},
            **{"age": 0, "duration_seconds": 6000.0, "version": 1},
        }
        for n in range(20)
    ]
    for name, rows, schema in (("log", log, ACTIVITY), ("titles", titles, TITLES)):
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), folder / name)
    return Inputs((str(folder / "log"),), (str(folder / "titles"),))


def test_lists_of_regions_and_profiles_come_and_results_are_beside(tmp_path: Path) -> None:
    place = Folder(tmp_path / "batch")
    engine = DuckDb()
    try:
        found = evaluate(engine, inputs(tmp_path), place, MANIFEST, Terms())
        regions, profiles = (list(each) for each in found.lists)
    finally:
        engine.close()
    assert {each.kind for each in regions} == {REGION}
    assert {each.owner for each in regions} == {"", "DE", "FR"}
    assert {each.kind for each in profiles} == {PROFILE}
    assert [each.owner for each in profiles] == [f"p{n}" for n in range(6)]
    beside = place.names(f"{MANIFEST.id}/results")
    assert "results.json" in beside
    tables = [name for name in beside if name.endswith(".parquet")]
    counts = [parquet.read_table(tmp_path / "batch" / MANIFEST.id / "results" / t) for t in tables]
    assert found.rows == sum(each.num_rows for each in counts) > 0
