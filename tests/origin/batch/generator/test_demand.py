"""What is expected to be watched, and how far into films."""

from __future__ import annotations

from math import log
from typing import Any

import pytest

from origin.batch.generator.demand import PARTS, demand, reach
from origin.batch.generator.terms import WHOLE, Terms
from tests.origin.batch.generator.rows import RowsOf, log_of, titles_of

DAY = 86_400.0
NOW = 1_000 * DAY
TERMS = Terms(demand_days=3.0)
LENGTH = 6_000.0


def watched(title: str, days_ago: float, seconds: float, **more: Any) -> dict[str, Any]:
    about = {"title": title, "at": NOW - days_ago * DAY, "kind": "heartbeat", "region": "DE"}
    return {**about, "watched_seconds": seconds, **more}


def test_a_film_watched_once_a_day_is_expected_once_a_day(rows_of: RowsOf) -> None:
    events = log_of(watched("a", day + 0.5, LENGTH) for day in range(60))
    (row,) = rows_of(demand(events, titles_of({"a": ""}), NOW, TERMS))
    assert (row["region"], row["title"]) == ("DE", "a")
    assert row["views"] / WHOLE == pytest.approx(1.0, rel=0.01)


def test_shares_of_films_add_up_by_region_and_fade(rows_of: RowsOf) -> None:
    events = [watched("a", 0, LENGTH / 4), watched("a", 0, LENGTH / 4, region="")]
    events += [watched("b", 0, LENGTH / 2), watched("b", 3, LENGTH / 2)]
    events += [watched("none", 0, 60), watched("a", 0, 0), watched("a", 0, 60, kind="rate")]
    rows = rows_of(demand(log_of(events), titles_of({"a": "", "b": ""}), NOW, TERMS))
    per_day = log(2.0) / 3.0
    found = {(row["region"], row["title"]): row["views"] / WHOLE for row in rows}
    assert found == {
        ("DE", "a"): pytest.approx(0.25 * per_day, abs=1e-5),
        ("", "a"): pytest.approx(0.25 * per_day, abs=1e-5),
        ("DE", "b"): pytest.approx(0.75 * per_day, abs=1e-5),
    }


def test_a_title_of_unknown_length_is_as_long_as_most(rows_of: RowsOf) -> None:
    rows = log_of([watched("a", 0, TERMS.unknown_duration_seconds)])
    (row,) = rows_of(demand(rows, titles_of({"a": ""}, duration_seconds=0.0), NOW, TERMS))
    assert row["views"] / WHOLE == pytest.approx(log(2.0) / 3.0, abs=1e-5)


def test_positions_become_parts_of_films(rows_of: RowsOf) -> None:
    events = [
        watched("a", 0, 10, position_seconds=0.0),
        watched("b", 3, 10, position_seconds=LENGTH / PARTS - 1),
        watched("a", 0, 10, position_seconds=LENGTH / 2),
        watched("a", 0, 10, position_seconds=2 * LENGTH),
    ]
    rows = rows_of(reach(log_of(events), titles_of({"a": "", "b": ""}), NOW, TERMS))
    assert {row["part"]: row["watched"] for row in rows} == {
        **{0: 15_000, PARTS // 2: 10_000, PARTS - 1: 10_000}
    }
