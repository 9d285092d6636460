"""What is popular, where, when, and what is usual."""

from __future__ import annotations

import statistics
from typing import Any

from origin.batch.generator.popularity import baselines, hourly, popular
from origin.batch.generator.terms import WHOLE, Terms
from tests.origin.batch.generator.rows import Rows, RowsOf, log_of, table_of, titles_of

DAY = 86_400.0
NOW = 1_000 * DAY
TERMS = Terms(popular_days=7.0, items_max=3, genre_max=2)


def met(
    profile: str, title: str, region: str, days_ago: float = 0.0, weight: int = 1
) -> dict[str, Any]:
    at = NOW - days_ago * DAY
    return {"profile": profile, "title": title, "region": region, "at": at, "weight": weight}


def lists_of(rows: Rows) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row["region"], row["place"])):
        found.setdefault(row["region"], []).append(row["title"])
    return found


def test_each_profile_counts_once_and_less_with_time(rows_of: RowsOf) -> None:
    rows = [met("p", "a", "DE", 7), met("q", "a", "", 14), met("p", "b", "DE"), met("r", "b", "FR")]
    rows.append(met("s", "c", "FR", weight=0))
    found = rows_of(popular(table_of(rows), titles_of(dict.fromkeys("abc", "")), NOW, TERMS))
    scores = {(row["region"], row["title"]): row["score"] / WHOLE for row in found}
    assert scores == {
        **{("DE", "a"): 0.5, ("DE", "b"): 1.0, ("FR", "b"): 1.0},
        **{("", "a"): 0.75, ("", "b"): 2.0},
    }
    assert lists_of(found) == {"": ["b", "a"], "DE": ["b", "a"], "FR": ["b"]}


def test_no_genre_takes_the_whole_list_but_titles_without_one_may(rows_of: RowsOf) -> None:
    genres = {"a": "War", "b": "War", "c": "War", "d": "Love", "e": "", "f": "", "g": ""}
    rows = [met(f"p{n}", t, "") for t, count in zip("abcd", (9, 8, 7, 1), strict=True)
            for n in range(count)]  # fmt: skip
    found = rows_of(popular(table_of(rows), titles_of(genres), NOW, TERMS))
    assert lists_of(found) == {"": ["a", "b", "d"]}
    rows = [met(f"p{n}", title, "") for title in "efg" for n in range(3)]
    found = rows_of(popular(table_of(rows), titles_of(genres), NOW, TERMS))
    assert lists_of(found) == {"": ["e", "f", "g"]}


def test_hours_count_profiles_and_not_heartbeats(rows_of: RowsOf) -> None:
    log = log_of(
        [
            *[{"at": 7200.0, "profile": "p", "region": "DE"}] * 3,
            *[{"at": 10_799.9, "profile": "q", "region": "DE"}, {"at": 10_800.0, "region": "DE"}],
            *[{"at": 7200.0, "kind": "rate", "value": 5.0}, {"at": 7200.0, "region": "FR"}],
        ]
    )
    found = rows_of(hourly(log))
    counts = {(row["region"], row["hour"], row["title"]): row["profiles"] for row in found}
    assert counts == {("DE", 2, "t"): 2, ("DE", 3, "t"): 1, ("FR", 2, "t"): 1}


def test_baseline_is_mean_and_deviation_of_all_hours(rows_of: RowsOf) -> None:
    terms = Terms(baseline_days=1)
    newest = int(NOW // 3600)
    counts = {newest - 24: 4, newest - 3: 1, newest: 50, newest - 25: 70}
    rows = [
        {"region": region, "hour": hour, "title": "a", "profiles": count}
        for hour, count in counts.items()
        for region in ("DE", "FR")
    ]
    (found,) = rows_of(baselines(table_of(rows), NOW, terms))
    hours = [8, 2, *[0] * 22]
    assert found == {
        "title": "a",
        "hours": 24,
        "mean": round(statistics.fmean(hours), 9),
        "deviation": round(statistics.pstdev(hours), 9),
    }
