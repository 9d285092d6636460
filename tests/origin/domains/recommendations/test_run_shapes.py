"""A run is shown as it was written down; what an older job did not write is null."""

from __future__ import annotations

from origin.catalog.recommended import Promotion, Run
from origin.domains.recommendations.run_shapes import promotion_view, run_detail, run_view

OLD = Run("old", 5.0, True, {"cut": 1, "lists": 3, "terms": {"shrinkage": 15.0}})


def test_run_of_an_older_job_has_what_is_known() -> None:
    line = run_view(OLD, {"control": "old", "trial": "new"})
    assert (line.lists, line.events, line.engine, line.seconds, line.ndcg10) == (
        *(3, None, None, None, None),
    )
    assert line.shown_to == ["control"]
    page = run_detail(OLD, {}, str.title)
    assert (page.shown_to, page.inputs, page.quality, page.coverage) == ([], None, None, None)
    assert (page.stages, page.novelty, page.pairs) == ([], [], [])
    assert page.terms == {"shrinkage": 15.0}


def test_pairs_are_named() -> None:
    pair = {"title": "one", "other": "two", "similarity": 0.5, "support": 3}
    (shown,) = run_detail(Run("r", 1.0, True, {"pairs": [pair]}), {}, str.upper).pairs
    assert (shown.one.title, shown.other.id, shown.other.title) == ("ONE", "two", "TWO")


def test_nothing_is_null_and_not_empty() -> None:
    view = promotion_view(Promotion(1.0, "trial", "", "", "ada"))
    assert (view.run, view.before, view.made_by) == (None, None, "ada")
