"""The same rows on every engine, and the same rows from the same log."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from origin.batch.engines import DuckDb, Engine, open_engine
from origin.batch.generate import generate
from origin.batch.generator.terms import Terms
from origin.batch.parquet import ACTIVITY, TITLES
from tests.helpers.activity_log import DAY_SECONDS, START, made_events, made_titles

NOW = START + 21 * DAY_SECONDS


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tables")
    events = made_events(600, profiles=15, title_count=30)
    log = [{"number": number, **each} for number, each in enumerate(events, 1)]
    random.Random(3).shuffle(log)
    about = [
        {
            **{"title": name, "name": body["title"], "genre": body["genres"][0], "version": 1},
            **{"genres": body["genres"], "year": body["year"], "age": body["age"]},
            "duration_seconds": body["duration_seconds"],
        }
        for name, body in made_titles(30).items()
    ]
    for name, rows, schema in (("log", log, ACTIVITY), ("titles", about, TITLES)):
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), folder / name)
    return folder / "log", folder / "titles"


def results(make: Callable[[], Engine], files: tuple[Path, Path]) -> dict[str, list[Any]]:
    engine = make()
    try:
        log, titles = (
            engine.table(name, [str(path)])
            for name, path in zip(("activity", "titles"), files, strict=True)
        )
        found = generate(engine, log, titles, NOW, Terms())
        tables = {
            **{"recommendations": found.lists.recommendations, "popular": found.lists.popular},
            **{"neighbours": found.lists.neighbours, "hourly": found.hourly},
            **{"baselines": found.baselines, "demand": found.demand, "reach": found.reach},
        }
        return {
            name: [row for batch in engine.batches(table) for row in batch.to_pylist()]
            for name, table in tables.items()
        }
    finally:
        engine.close()


def test_results_do_not_depend_on_the_order_of_rows(files: tuple[Path, Path]) -> None:
    log, titles = files
    once = results(DuckDb, files)
    assert all(once.values())
    ordered = log.with_name("ordered")
    parquet.write_table(parquet.read_table(log).sort_by("number"), ordered)
    assert results(DuckDb, (ordered, titles)) == once


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_spark_gives_the_rows_of_duckdb(files: tuple[Path, Path]) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    ours = results(DuckDb, files)
    theirs = results(lambda: open_engine("spark"), files)
    for name, rows in ours.items():
        assert theirs[name] == rows, name
