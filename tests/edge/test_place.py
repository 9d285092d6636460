"""A place in a journal is kept with whose it is and of what it can be said."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from edge.place import Place, earliest, format_place, parse_place, read_place, write_place

WHOLE = Place(7, "a", "m")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (Place(7), {"sequence": 7}),
        (WHOLE, {"sequence": 7, "journal": "a", "mark": "m"}),
    ],
)
def test_a_place_says_only_what_is_known(place: Place, value: object) -> None:
    assert format_place(place) == value
    assert parse_place(value) == place


@pytest.mark.parametrize(
    "value",
    [
        *({}, [], None, {"sequence": "x"}, {"sequence": math.inf}, {"sequence": True}),
        *({"sequence": 1, "journal": 2}, {"sequence": 1, "mark": None}),
    ],
)
def test_what_is_no_place_is_refused(value: object, tmp_path: Path) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        parse_place(value)
    (tmp_path / "feed.json").write_text(json.dumps(value))
    assert read_place(tmp_path / "feed.json") is None


def test_a_place_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    assert read_place(path) is None
    write_place(path, WHOLE)
    assert read_place(path) == WHOLE


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([WHOLE, Place(5, "a", "n")], Place(5, "a", "good")),
        ([WHOLE, Place(5, "b", "m")], None),
        ([Place(5), WHOLE], None),
        ([], None),
    ],
)
def test_several_have_reached_the_earliest_place_of_one_journal(
    places: list[Place], expected: Place | None
) -> None:
    assert earliest(places, "good") == expected
