"""What operators are told of lists is the same from every engine, and follows from the log."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from origin.batch.engines import open_engine
from origin.batch.facts import EVERYWHERE, IN_REGION, OURS, PAIRS, judge, look
from origin.batch.generate import recommend
from origin.batch.generator.terms import Terms
from origin.batch.parquet import ACTIVITY, TITLES
from tests.helpers.activity_log import DAY_SECONDS, START, made_events, made_titles

NOW = START + 21 * DAY_SECONDS
TITLE_COUNT = 60
PROFILES = 20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tables")
    events = made_events(900, profiles=PROFILES, title_count=TITLE_COUNT)
    log = [{"number": number, **each} for number, each in enumerate(events, 1)]
    about = [
        {
            **{"title": name, "name": body["title"], "genre": body["genres"][0], "version": 1},
            **{"genres": body["genres"], "year": body["year"], "age": body["age"]},
            "duration_seconds": body["duration_seconds"],
        }
        for name, body in made_titles(TITLE_COUNT).items()
    ]
    for name, rows, schema in (("log", log, ACTIVITY), ("titles", about, TITLES)):
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), folder / name)
    return folder / "log", folder / "titles"


def facts_of(name: str, files: tuple[Path, Path]) -> dict[str, Any]:
    engine = open_engine(name)
    try:
        log, titles = (
            engine.table(table, [str(path)])
            for table, path in zip(("activity", "titles"), files, strict=True)
        )
        found = recommend(engine, log, titles, NOW, Terms())
        quality = judge(engine, found.met, titles, NOW, Terms())
        return {**look(engine, found, titles), "quality": quality}
    finally:
        engine.close()


def test_facts_follow_from_the_log(files: tuple[Path, Path]) -> None:
    found = facts_of("duckdb", files)
    quality = found["quality"]
    assert 0 < quality["profiles"] <= PROFILES
    assert [model["name"] for model in quality["models"]] == [OURS, IN_REGION, EVERYWHERE]
    for model in quality["models"]:
        assert 0 < model["ndcg10"] <= 1
        assert model["ndcg10"] <= model["recall20"] <= 1
    assert found["coverage"]["of"] == TITLE_COUNT
    assert 0 < found["coverage"]["titles"] <= TITLE_COUNT
    assert 0 < found["reasoned"] <= 1
    # Our lists are about what fewer know.
    assert found["novelty"][OURS] > found["novelty"][EVERYWHERE] > 0
    pairs = found["pairs"]
    assert 0 < len(pairs) <= PAIRS
    assert all(pair["title"] < pair["other"] for pair in pairs)
    similarities = [pair["similarity"] for pair in pairs]
    assert similarities == sorted(similarities, reverse=True)
    assert json.loads(json.dumps(found)) == found == facts_of("duckdb", files)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_spark_tells_the_same_facts(files: tuple[Path, Path]) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    assert facts_of("spark", files) == facts_of("duckdb", files)
