"""The file says what the plan says, and is refused where it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cdnkit.errors import BadRequestError
from origin.placement.document import (
    Document,
    EdgeRow,
    PlacedObject,
    film_row,
    format_document,
    held_of,
    parse_document,
    released_by,
)
from origin.placement.planner import Placed, Reason
from tests.origin.placement.worlds import GB, film

HALF = Placed("a", 5 * GB, GB, 777, Reason.WANTED)
ROW = EdgeRow("e", 10.5, 20.5, 1_000, 90 * GB, 8 * GB, 1.5, (film_row(HALF, film("a")),))
DOCUMENT = Document(1.5, "20260101T000000Z-1", 1 << 20, (ROW,))


def test_what_is_written_is_read() -> None:
    assert parse_document(format_document(DOCUMENT), "f") == DOCUMENT
    given = replace(DOCUMENT, given_at=3.0)
    assert parse_document(format_document(given), "f") == given


def test_of_each_large_object_the_share_of_the_film_is_placed_and_small_ones_whole() -> None:
    small, large = ROW.films[0].objects
    assert small == PlacedObject("play/a/index.m3u8", 1_000)
    assert large.stop_bytes == pytest.approx(5 * GB, abs=1_000)
    gone = film_row(Placed("a", 0, GB, 0, Reason.DISPLACED), film("a"))
    assert [each.stop_bytes for each in gone.objects] == [0, 0]
    assert film_row(Placed("x", 0, GB, 0, Reason.GONE), None).objects == ()


def test_sums_of_an_edge_tell_what_comes_and_goes() -> None:
    gone = film_row(Placed("b", 0, 3 * GB, 0, Reason.DISPLACED), film("b"))
    row = replace(ROW, films=(*ROW.films, gone))
    assert (row.placed_bytes, row.fetched_bytes, row.dropped_bytes) == (5 * GB, 4 * GB, 3 * GB)
    assert row.expected_bytes == 777


def test_only_a_plan_that_was_given_is_held() -> None:
    assert held_of(DOCUMENT, [film("a")]) == {"e": {"a": GB}}
    assert held_of(replace(DOCUMENT, given_at=3.0), [film("a")]) == {"e": {"a": 5 * GB}}


def test_a_film_of_another_size_is_a_new_one_and_one_that_is_gone_still_goes() -> None:
    assert held_of(DOCUMENT, [film("a", 9 * GB)]) == {"e": {}}
    assert held_of(DOCUMENT, []) == {"e": {"a": GB}}


def spoilt(**change: Any) -> bytes:
    return json.dumps({**json.loads(format_document(DOCUMENT)), **change}).encode()


def test_what_is_placed_no_longer_is_released_and_what_may_be_pinned_too() -> None:
    given = replace(DOCUMENT, given_at=3.0)
    video, index = "play/a/video.mp4", "play/a/index.m3u8"
    less = (film_row(Placed("a", GB, 5 * GB, 1, Reason.DISPLACED), film("a")),)
    assert released_by(given, "e", ROW.films) == ()
    assert released_by(given, "e", less) == (video,)
    assert released_by(given, "e", ()) == (index, video)
    assert released_by(DOCUMENT, "e", ROW.films) == (index, video)
    older = replace(DOCUMENT, edges=(replace(ROW, films=(), released=("x",)),))
    assert released_by(older, "e", ROW.films) == ("x",)
    assert released_by(given, "other", ()) == released_by(None, "e", ()) == ()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        spoilt(version=2),
        spoilt(edges=[{}]),
        spoilt(made_at=None),
        spoilt(given_at=-1),
        format_document(DOCUMENT).replace(b'"wanted"', b'"because"'),
        format_document(DOCUMENT).replace(b'"size_bytes": 10000000000', b'"size_bytes": true'),
        format_document(DOCUMENT)[:-20],
    ],
    ids=["empty", "list", "version", "edge", "time", "negative", "reason", "number", "cut"],
)
def test_what_is_no_placement_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(BadRequestError, match=r"placement\.json"):
        parse_document(text, "placement.json")
