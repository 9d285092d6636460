"""The terms of a run are written down whole, and are such as the expressions can stand."""

from __future__ import annotations

import json
from dataclasses import fields

from origin.batch.generator.terms import Terms, format_terms


def test_every_term_is_written_down() -> None:
    said = json.loads(json.dumps(format_terms(Terms(reach_titles=7))))
    assert set(said) == {each.name for each in fields(Terms)}
    assert said["reach_titles"] == 7


def test_what_is_asked_for_is_within_what_is_kept() -> None:
    terms = Terms()
    assert terms.asked_titles <= terms.history_titles
    assert terms.genre_max <= terms.items_max
    assert 0 <= terms.backward <= 1
