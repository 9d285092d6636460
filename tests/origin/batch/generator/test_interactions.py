"""What watching, rating and listing say, each alone and together; compared with plain Python."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from origin.batch.generator.interactions import histories, interactions
from origin.batch.generator.terms import WHOLE, Terms
from tests.origin.batch.generator.rows import Rows, RowsOf, log_of, table_of, titles_of

TERMS = Terms(history_titles=3)


def watched(seconds: float, **said: Any) -> dict[str, Any]:
    return {"kind": "heartbeat", "watched_seconds": seconds, **said}


def weight_of(rows_of: RowsOf, *events: dict[str, Any]) -> tuple[float, bool]:
    (row,) = rows_of(interactions(log_of(events), titles_of({"t": "Drama"}), TERMS))
    return row["weight"] / WHOLE, row["is_seen"]


def test_weight_is_the_share_that_was_watched(rows_of: RowsOf) -> None:
    assert weight_of(rows_of, watched(1500), watched(1500)) == (0.5, True)
    assert weight_of(rows_of, watched(9000)) == (1.0, True)
    assert weight_of(rows_of, {"kind": "play"}, watched(60)) == (0.0, True)


def test_rating_counts_as_seen_and_the_newest_holds(rows_of: RowsOf) -> None:
    good, bad = {"kind": "rate", "value": 5.0}, {"kind": "rate", "value": 1.0}
    assert weight_of(rows_of, good) == (1.25, True)
    assert weight_of(rows_of, good, bad) == (0.0, True)
    assert weight_of(rows_of, bad, good) == (1.25, True)
    assert weight_of(rows_of, bad | {"at": 2e9}, good | {"at": 1e9}) == (0.0, True)


def test_list_says_a_little_and_is_not_seen(rows_of: RowsOf) -> None:
    listed, dropped = {"kind": "list", "value": 1.0}, {"kind": "list", "value": 0.0}
    assert weight_of(rows_of, listed) == (0.3, False)
    assert weight_of(rows_of, listed, dropped) == (0.0, False)
    assert weight_of(rows_of, listed, watched(6000)) == (1.0, True)
    assert weight_of(rows_of, listed, {"kind": "rate", "value": 0.5}) == (0.0, True)


def test_searches_and_titles_that_are_gone_are_left_out(rows_of: RowsOf) -> None:
    log = log_of([{"kind": "search", "title": "", "words": "x"}, watched(60, title="gone")])
    assert rows_of(interactions(log, titles_of({"t": "Drama"}), TERMS)) == []


def test_film_of_unknown_length_is_taken_for_a_usual_one(rows_of: RowsOf) -> None:
    log = log_of([watched(3000)])
    (row,) = rows_of(interactions(log, titles_of({"t": ""}, duration_seconds=0.0), TERMS))
    assert row["weight"] == WHOLE * 3000 // TERMS.unknown_duration_seconds


def test_history_is_newest_first_and_cut(rows_of: RowsOf) -> None:
    met = [
        {"profile": "p", "title": title, "weight": weight, "at": at}
        for title, weight, at in [
            *[("a", 1, 1.0), ("b", 0, 9.0), ("c", 2, 5.0), ("e", 3, 5.0), ("d", 4, 7.0)]
        ]
    ]
    found = rows_of(histories(table_of(met), TERMS).order_by("age"))
    assert [(row["title"], row["age"]) for row in found] == [("d", 0), ("c", 1), ("e", 2)]


events = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["play", "heartbeat", "stop"]),
            "profile": st.sampled_from(["p", "q"]),
            "title": st.sampled_from(["t", "u"]),
            "watched_seconds": st.integers(0, 4_000).map(float),
        }
    ),
    max_size=30,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events)
def test_watching_adds_up_like_a_plain_sum(rows_of: RowsOf, given_events: Rows) -> None:
    sums: dict[tuple[str, str], float] = {}
    for each in given_events:
        key = (each["profile"], each["title"])
        sums[key] = sums.get(key, 0.0) + each["watched_seconds"]
    expected = {}
    for key, seconds in sums.items():
        share = min(seconds / 6_000.0, 1.0)
        expected[key] = round(share * WHOLE) if share >= TERMS.seen_share_min else 0
    titles = titles_of({"t": "Drama", "u": "Crime"})
    found = rows_of(interactions(log_of(given_events), titles, TERMS))
    assert {(row["profile"], row["title"]): row["weight"] for row in found} == expected
