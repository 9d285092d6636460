"""What targets are built from."""

from __future__ import annotations

import pytest

from scripts.fuzz.target import BrokenError, require, seed_file, text_of, vectors


def test_what_does_not_hold_is_said() -> None:
    require(True, "nothing")
    with pytest.raises(BrokenError, match="a promise"):
        require(False, "a promise")


def test_vectors_are_bytes_of_the_named_members() -> None:
    heads = vectors("request_heads", "head")
    assert b"GET //a//b HTTP/1.1\r\nHost: h" in heads
    assert vectors("request_heads", "nothing") == []


def test_a_seed_is_there_and_any_bytes_are_a_text() -> None:
    assert seed_file("film.mp4")[4:8] == b"ftyp"
    assert text_of(b"a\xff").encode("utf-8", "surrogateescape") == b"a\xff"
