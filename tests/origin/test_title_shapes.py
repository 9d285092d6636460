"""What a title may say, how it is kept, and what a patch makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdnkit.errors import BadKeyError, BadRequestError, TooLargeError
from origin.catalog.records import TitleRow
from origin.title_shapes import (
    BODY_BYTES_MAX,
    format_body,
    format_title,
    parse_state,
    parse_title,
    parse_title_id,
    patch_title,
)


def row(**members: Any) -> TitleRow:
    return TitleRow("a", format_body({"title": "A", **members}), 1, 0.0, '"1-x"')


def test_longest_id_is_accepted() -> None:
    assert parse_title_id("a" * 64) == "a" * 64
    with pytest.raises(BadRequestError, match="1 to 64"):
        parse_title_id("a" * 65)


def test_saved_text_is_compact() -> None:
    assert format_body({"title": "ä", "n": [1, 2]}) == '{"title":"ä","n":[1,2]}'


def test_answer_has_the_id_in_front() -> None:
    assert format_title(row(n=1)) == '{"id":"a","title":"A","n":1}'


def test_free_members_are_kept_and_the_id_is_not() -> None:
    assert parse_title(b'{"id": "a", "title": "A", "x": {"y": [1.5]}}', "a") == {
        **{"title": "A", "x": {"y": [1.5]}}
    }


def test_states_are_known_by_name() -> None:
    assert parse_state("") == ""
    assert parse_state("published") == "published"
    with pytest.raises(BadRequestError, match="received, verified"):
        parse_state("lost")


def test_patch_replaces_adds_and_removes() -> None:
    patch = json.dumps({"year": 1999, "note": None, "deep": {"b": None, "c": 3}}).encode()
    before = row(note="x", deep={"a": 1, "b": 2}, kept=True)
    assert patch_title(before, patch) == {
        **{"title": "A", "deep": {"a": 1, "c": 3}, "kept": True, "year": 1999}
    }


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        (b"[]", BadRequestError),
        (b"{", BadRequestError),
        (b'{"title": null}', BadRequestError),
        (b'{"title": " "}', BadRequestError),
        (b'{"id": "b"}', BadRequestError),
        (b'{"media": "../x"}', BadKeyError),
        (b'{"x": "%s"}' % (b"x" * BODY_BYTES_MAX), TooLargeError),
    ],
)
def test_patch_that_makes_no_title_is_refused(patch: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        patch_title(row(), patch)
