from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from scripts.benchmark.placement import Case, cases, measure, read_days, row_of
from scripts.cli.errors import FailedError
from scripts.simulation.nights import DAY_SECONDS, Evenings


def written(path: Path, head: str, rows: list[str]) -> Path:
    with gzip.open(path, "wt") as file:
        file.write("\n".join([head, *rows]) + "\n")
    return path


def test_a_day_becomes_two_of_half_its_sessions_each(tmp_path: Path) -> None:
    rows = ["10,a,100,0,1", "20,a,100,100,2", "30,b,100,0,3", "40,b,100,0,2"]
    path = written(tmp_path / "t.csv.gz", "time,key,size,offset,session", rows)
    trace = read_days(path)
    assert list(trace.times) == [20, 40, DAY_SECONDS + 10, DAY_SECONDS + 30]


def test_a_day_without_sessions_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv.gz", "time,key,size,offset", ["10,a,100,0"])
    with pytest.raises(FailedError, match="number of the session"):
        read_days(path)


def test_days_stay_as_they_are(tmp_path: Path) -> None:
    rows = ["10,a,100,0", "90000,a,100,0"]
    path = written(tmp_path / "t.csv.gz", "time,key,size,offset", rows)
    assert list(read_days(path).times) == [10, 90_000]


def test_each_size_has_every_rule_with_a_fill_and_without() -> None:
    todo = list(cases([Path("t")], None))
    assert len({(each.share, each.policy, each.fills) for each in todo}) == len(todo) == 12


def test_the_share_cached_is_of_the_whole_catalogue(tmp_path: Path) -> None:
    rows = [f"{1000 * n},{n % 2},100,0" for n in range(100)]
    path = written(tmp_path / "t.csv.gz", "time,key,size,offset", rows)
    assert (
        measure(Case(path, 0.5, "lru", False)).missed
        == measure(Case(path, 0.5, "lru", False)).asked
    )
    assert measure(Case(path, 0.5, "lru", False, 400)).missed == 0


def test_a_row_names_its_case() -> None:
    row = row_of(Case(Path("x/movie.csv.zst"), 0.05, "lru", True), Evenings(200, 100, 20, 50, 10))
    assert row == "| movie, 5% | lru, filled | 0.2000 | 0.6000 | 0.1000 |"
