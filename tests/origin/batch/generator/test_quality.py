"""The title left out is the newest, finding it is worth what its place says, and what few know is
new.
"""

from __future__ import annotations

import math
from typing import Any

import ibis

from origin.batch.generator.quality import hold_out, judged, spread
from origin.batch.generator.terms import WHOLE


def met(*rows: tuple[str, str, float, int]) -> ibis.Table:
    names = ("profile", "title", "at", "weight")
    return ibis.memtable([dict(zip(names, row, strict=True)) for row in rows])


def rows(table: ibis.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ibis.duckdb.connect().to_pyarrow(table).to_pylist()
    return found


def test_newest_title_that_was_cared_for_is_left_out_where_another_stays() -> None:
    held = hold_out(
        met(
            *[("p", "a", 1.0, 9), ("p", "b", 3.0, 9), ("p", "disliked", 4.0, 0)],
            *[("q", "a", 1.0, 9), ("q", "disliked", 2.0, 0)],
            *[("r", "b", 5.0, 9), ("r", "a", 5.0, 9)],
        )
    )
    asked = sorted((row["profile"], row["title"]) for row in rows(held.asked))
    assert asked == [("p", "b"), ("r", "a")]
    known = sorted((row["profile"], row["title"]) for row in rows(held.known))
    assert known == [*[("p", "a"), ("p", "disliked"), ("q", "a"), ("q", "disliked"), ("r", "b")]]


def test_finding_is_worth_what_the_place_says() -> None:
    places = {"first": 0, "tenth": 9, "eleventh": 10, "last": 19, "late": 20}
    shown = [{"profile": name, "title": "t", "place": place} for name, place in places.items()]
    shown.append({"profile": "wrong", "title": "other", "place": 0})
    asked = [{"profile": name, "title": "t"} for name in (*places, "wrong", "nothing")]
    (row,) = rows(judged("model", ibis.memtable(shown), ibis.memtable(asked)))
    gain = sum(round(WHOLE / math.log2(places[name] + 2)) for name in ("first", "tenth"))
    assert row == {"model": "model", "profiles": 7, "hits": 4, "gain": gain}


def test_nothing_found_is_a_row_of_zeros() -> None:
    shown = ibis.memtable([{"profile": "p", "title": "t", "place": 0}])
    asked = ibis.memtable([{"profile": "p", "title": "other"}])
    (row,) = rows(judged("model", shown, asked))
    assert row == {"model": "model", "profiles": 1, "hits": 0, "gain": 0}


def test_what_few_know_is_new() -> None:
    known = met(*[(f"p{n}", "hit", 1.0, 9) for n in range(8)], ("p0", "rare", 2.0, 9))
    shown = ibis.memtable(
        [
            {"profile": "p1", "title": "rare", "reason": "hit"},
            {"profile": "p2", "title": "rare", "reason": "hit"},
            {"profile": "p3", "title": "hit", "reason": ""},
        ]
    )
    (row,) = rows(spread(shown, known))
    assert row == {"titles": 2, "items": 3, "reasoned": 2, "surprise": 2 * 3 * WHOLE}
