from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadKeyError
from cdnkit.keys import MAX_KEY_BYTES, parse_key
from cdnkit.wire import RESERVED_FIRST_SEGMENTS
from tests.helpers.vectors import case_id, load_vectors


@pytest.mark.parametrize("case", load_vectors("keys"), ids=case_id)
def test_key_is_taken_as_it_is_or_refused_with_the_reason(case: dict[str, Any]) -> None:
    if "refused" not in case:
        assert parse_key(case["text"]) == case["text"]
        return
    with pytest.raises(BadKeyError, match=case["refused"]) as caught:
        parse_key(case["text"])
    assert caught.value.status == 400
    assert caught.value.detail.isascii()
    assert caught.value.detail.isprintable()


@pytest.mark.parametrize("word", sorted(RESERVED_FIRST_SEGMENTS))
def test_our_own_paths_are_never_keys(word: str) -> None:
    with pytest.raises(BadKeyError, match="reserved"):
        parse_key(f"{word}/film.mp4")
    assert parse_key(f"films/{word}") == f"films/{word}"


def test_key_has_at_most_the_bytes_of_the_limit() -> None:
    longest = "films/" + "a" * (MAX_KEY_BYTES - 6)
    assert parse_key(longest) == longest
    with pytest.raises(BadKeyError, match="1024 bytes"):
        parse_key(longest + "a")


def test_reason_quotes_little_of_a_long_key() -> None:
    with pytest.raises(BadKeyError) as caught:
        parse_key("\ud800" * 1000)
    assert len(caught.value.detail) < 600


@given(st.text())
def test_any_text_is_a_safe_relative_path_or_refused(text: str) -> None:
    try:
        key = parse_key(text)
    except BadKeyError:
        return
    assert key == text
    assert key.isascii()
    assert not set(key) & set("%?#\\ ~")
    assert all(part and not part.startswith(".") for part in key.split("/"))
