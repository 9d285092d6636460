"""Vectors and properties of host and target syntax."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.authority import is_valid_authority, is_valid_target


@pytest.mark.parametrize(
    "text",
    ["a", "a.example:80", "127.0.0.1:9000", "[::1]", "[2001:db8::1]:8080", "a:", "x_y", "%41b"],
)
def test_hosts_of_the_grammar_are_valid(text: str) -> None:
    assert is_valid_authority(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "a b", "a<>{}", "a:b", "a:70000", "a:1:2", "user@host", "a/b", "a?b", "a#b", "[::1",
        "[1.2.3.4]", "[zz]", "ä.example", "a\r\nb", "a\x00", "%zz", ":80", "١٢", "a:١",
    ],
)  # fmt: skip
def test_anything_else_is_not(text: str) -> None:
    assert not is_valid_authority(text)


@pytest.mark.parametrize(
    ("target", "valid"),
    [
        ("/", True), ("//x", True), ("*", True), ("/a?b=http://x y", True),
        ("http://a.example/x", True), ("HTTP://a", True), ("https://[::1]:1/x", True),
        ("http://a b/x", False), ("http:///x", False), ("ftp://a/x", False),
        ("/a#b", False), ("http://a/x#b", False),
        ("a.example:443", False), ("x", False), ("http://u@h/", False),
    ],
)  # fmt: skip
def test_targets(target: str, valid: bool) -> None:
    assert is_valid_target(target) is valid


@given(st.from_regex(r"\A[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}\Z"), st.integers(0, 99999))
def test_the_port_decides_for_good_names(name: str, port: int) -> None:
    assert is_valid_authority(f"{name}:{port}") is (port <= 65535)


@given(st.text(max_size=40))
def test_no_text_breaks_the_check_and_valid_ones_cannot_split_a_header(text: str) -> None:
    if is_valid_authority(text):
        assert text.isascii()
        assert not set(text) & set(" \t\r\n/\\?#@\x00")
