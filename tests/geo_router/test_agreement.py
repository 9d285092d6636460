"""Whose word counts, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from geo_router.agreement import ALONE, Council, Opinion, View, read_view, view_body


def test_views_count_while_they_are_fresh_and_know_the_edge() -> None:
    council = Council(fresh_seconds=3.0)
    assert council.opinion("a", 0.0) is ALONE
    council.hear("r1", View({"a"}, ()), 10.0)
    council.hear("r2", View((), {"b"}), 11.0)
    assert council.opinion("a", 12.0) == Opinion(2, 1)
    assert council.opinion("b", 12.0) == Opinion(1, 0)
    assert council.opinion("a", 13.0) == Opinion(1, 0)
    assert council.opinion("a", 14.0) is ALONE
    assert council.heard(14.0) == {"r1": 4.0, "r2": 3.0}


def test_a_new_view_replaces_the_old_one() -> None:
    council = Council()
    council.hear("r1", View({"a"}, ()), 1.0)
    council.hear("r1", View((), ()), 2.0)
    assert council.opinion("a", 2.0) == Opinion(1, 0)


def test_a_view_survives_the_wire() -> None:
    view = read_view(view_body({"a": "cannot connect"}, {"b"}))
    assert view == View(frozenset({"a"}), frozenset({"b"}))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"failing": {}},
        {"failing": [], "unknown": []},
        {"failing": {}, "unknown": {}},
        {"failing": {}, "unknown": [1]},
    ],
)
def test_anything_else_is_no_view(body: Any) -> None:
    assert read_view(body) is None
