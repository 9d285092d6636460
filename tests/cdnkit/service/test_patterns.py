"""Parameters match whatever a client writes."""

from __future__ import annotations

import pytest
from aiohttp.web import UrlDispatcher

from cdnkit.service.patterns import rest, segment


def matches(pattern: str, text: str) -> bool:
    resource = UrlDispatcher().add_resource(f"/{pattern}")
    return resource._match(f"/{text}") is not None


@pytest.mark.parametrize("text", ["a", "a\n", "\n", "{", "a}b", "\u2028", "\x85", "\x00", " "])
def test_both_match_any_character_of_a_segment(text: str) -> None:
    assert matches(segment("id"), text)
    assert matches(rest("key"), text)


@pytest.mark.parametrize(("text", "is_one"), [("", False), ("a/b", False), ("\n/\n", False)])
def test_slashes_and_nothing_at_all_belong_to_the_rest_alone(text: str, is_one: bool) -> None:
    assert matches(segment("id"), text) == is_one
    assert matches(rest("key"), text)
    assert matches(rest("key", may_be_empty=False), text) == bool(text)


def test_a_document_shows_the_name_alone() -> None:
    for pattern in (segment("id"), rest("id")):
        assert UrlDispatcher().add_resource(f"/a/{pattern}").canonical == "/a/{id}"
