"""Recording adds rows to the tables and changes nothing else of the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.benchmark.record import EDGE_COLUMNS, TIER_COLUMNS, record
from scripts.benchmark.results import Results
from scripts.cli.errors import FailedError
from tests.scripts.benchmark.conftest import ROOT
from tests.scripts.benchmark.results_of import some_results

PAGE = """# Figures

| edge |
|---|
<!-- end of rows: edge -->

| tiers |
|---|
| an older row |
<!-- end of rows: tiers -->
The end.
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "benchmarks.md"
    path.write_text(PAGE)
    return path


def test_rows_go_to_the_end_of_their_tables(page: Path, tmp_path: Path) -> None:
    kept = record(some_results(), page, tmp_path / "bench")
    lines = page.read_text().splitlines()
    edge = lines[lines.index("<!-- end of rows: edge -->") - 1]
    tiers = lines[lines.index("<!-- end of rows: tiers -->") - 1]
    assert edge.startswith("| 2026-01-02 03:04:05 | 0123abc+ | nginx | 1.75 | - |")
    assert f"bench/{kept.name}" in edge
    assert "| 0.90 | - | 9,000 | - | 16,000 | 60 | 8.2 |" in tiers
    without = [line for line in lines if line not in (edge, tiers)]
    assert without == PAGE.splitlines()
    assert json.loads(kept.read_text())["commit"] == "0123abc+"


def test_what_was_not_measured_adds_no_row(page: Path, tmp_path: Path) -> None:
    results = some_results()
    empty = Results("", results.at, results.commit, results.machine, results.settings, [0.0, 0.0])
    record(empty, page, tmp_path / "bench")
    assert page.read_text() == PAGE


def test_a_page_without_its_tables_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Other\n")
    with pytest.raises(FailedError, match="end of rows: edge"):
        record(some_results(), page, tmp_path / "bench")
    assert not (tmp_path / "bench").exists()


def test_the_tables_of_the_page_have_the_columns_of_the_rows(page: Path, tmp_path: Path) -> None:
    real = (ROOT / "docs" / "benchmarks.md").read_text().splitlines()
    record(some_results(), page, tmp_path / "bench")
    made = page.read_text().splitlines()
    for table, names in (("edge", EDGE_COLUMNS), ("tiers", TIER_COLUMNS)):
        end = f"<!-- end of rows: {table} -->"
        row = made[made.index(end) - 1]
        heads = [line for line in real[: real.index(end)] if line.startswith("| when")]
        assert heads[-1].count("|") == row.count("|")
        assert all(f" {name} " in heads[-1] for name in names)
