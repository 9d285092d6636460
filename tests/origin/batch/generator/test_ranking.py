"""What is shown, in which order, and why."""

from __future__ import annotations

from typing import Any

from origin.batch.generator.ranking import candidates, filled, lists
from origin.batch.generator.terms import WHOLE, Terms
from tests.origin.batch.generator.rows import Rows, RowsOf, table_of, titles_of

TERMS = Terms(recent_titles=1.0, asked_titles=2, items_max=3, genre_max=2)


def met(title: str, *, is_seen: bool = True, profile: str = "p", region: str = "") -> Any:
    return {"profile": profile, "account": "a", "region": region, "title": title,
            "is_seen": is_seen}  # fmt: skip


def watched(title: str, age: int, weight: float = 1.0) -> Any:
    return {"profile": "p", "title": title, "age": age, "weight": round(weight * WHOLE), "at": 1.0}


def near(title: str, other: str, similarity: int) -> Any:
    return {"title": title, "other": other, "similarity": similarity, "support": 1}


def scored(rows_of: RowsOf, all_met: Rows, history: Rows, pairs: Rows) -> dict[str, Any]:
    found = rows_of(candidates(table_of(all_met), table_of(history), table_of(pairs), TERMS))
    return {row["title"]: (row["score"], row["reason"]) for row in found}


def test_score_is_the_sum_and_the_reason_the_strongest(rows_of: RowsOf) -> None:
    all_met = [met("new"), met("old"), met("older"), met("listed", is_seen=False)]
    history = [watched("new", 0, 0.5), watched("old", 1), watched("older", 2)]
    pairs = [
        *[near("new", "x", 100), near("old", "x", 300), near("older", "y", 900)],
        *[near("old", "new", 500), near("new", "listed", 10)],
    ]
    found = scored(rows_of, all_met, history, pairs)
    assert found == {"x": (50 + 150, "old"), "listed": (5, "new")}


def test_equal_reasons_go_by_name(rows_of: RowsOf) -> None:
    history = [watched("b", 0), watched("a", 0)]
    pairs = [near("a", "x", 100), near("b", "x", 100)]
    assert scored(rows_of, [met("a"), met("b")], history, pairs) == {"x": (200, "a")}


def test_list_is_ordered_mixed_and_cut(rows_of: RowsOf) -> None:
    rows = [
        {"profile": "p", "title": title, "score": score, "reason": "r"}
        for title, score in {"a": 9, "b": 8, "c": 7, "d": 3, "e": 3, "gone": 99}.items()
    ]
    genres = {"a": "War", "b": "War", "c": "War", "d": "Love", "e": "Love"}
    found = rows_of(lists(table_of(rows), titles_of(genres), TERMS).order_by("place"))
    assert [(row["place"], row["title"]) for row in found] == [(0, "a"), (1, "b"), (2, "d")]


def test_short_lists_are_filled_from_the_region_or_from_everywhere(rows_of: RowsOf) -> None:
    own = [{"profile": "p", "title": "x", "score": 5, "reason": "a", "place": 0}]
    popular = [
        {"region": region, "title": title, "place": place, "score": 9, "genre": ""}
        for region, titles in {"DE": "xab", "": "zyx"}.items()
        for place, title in enumerate(titles)
    ]
    all_met = [
        *[met("a", region="DE"), met("q", region="DE", is_seen=False)],
        *[met("a", profile="far", region="FR"), met("z", profile="far", is_seen=False)],
    ]
    expression = filled(table_of(own), table_of(all_met), table_of(popular), TERMS)
    found = rows_of(expression.order_by(["profile", "place"]))
    assert [(row["profile"], row["title"], row["reason"]) for row in found] == [
        *[("far", "z", ""), ("far", "y", ""), ("far", "x", "")],
        *[("p", "x", "a"), ("p", "b", "")],
    ]
    assert [row["place"] for row in found] == [0, 1, 2, 0, 1]
    assert {row["account"] for row in found} == {"a"}
