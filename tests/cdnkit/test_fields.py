"""Field lines: how they combine, which end here, and what a 304 changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.fields import (
    HOP_BY_HOP,
    FieldLines,
    Pair,
    connection_names,
    end_to_end,
    split_list,
    updated_by_304,
)

NAMES = st.sampled_from([b"etag", b"date", b"age", b"x-a", b"content-length", b"connection"])
PAIRS = st.lists(st.tuples(NAMES, st.binary(max_size=12)), max_size=8)


def test_lines_of_a_name_keep_their_order_and_combine_with_commas() -> None:
    fields = FieldLines([(b"vary", b"a"), (b"etag", b'"1"'), (b"vary", b"b")])
    assert list(fields.lines(b"vary")) == [b"a", b"b"]
    assert fields.first(b"vary") == b"a"
    assert fields.combined(b"vary") == b"a, b"
    assert fields.text(b"etag") == '"1"'
    assert b"etag" in fields


def test_absent_name_is_none_everywhere() -> None:
    fields = FieldLines([])
    assert list(fields.lines(b"vary")) == []
    assert fields.first(b"vary") is None
    assert fields.combined(b"vary") is None
    assert fields.text(b"vary") is None
    assert b"vary" not in fields


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("a, b", ["a", "b"]),
        ("a,\tb ,, c", ["a", "b", "c"]),
        ('a="x, y", b', ['a="x, y"', "b"]),
        (r'a="x\", y", b', [r'a="x\", y"', "b"]),
        ('a="x, b', ['a="x', "b"]),
        ("", []),
        (" , ,", []),
    ],
)
def test_list_is_cut_at_commas_outside_quotes(text: str, members: list[str]) -> None:
    assert split_list(text) == members


@given(st.text(alphabet='ab",\\ ', max_size=40))
def test_splitting_loses_nothing_but_commas_and_blanks(text: str) -> None:
    def bare(value: str) -> str:
        return value.replace(",", "").replace(" ", "")

    assert bare("".join(split_list(text))) == bare(text)


def test_long_runs_of_quotes_are_split_at_once() -> None:
    assert len(split_list('"' * 50_001 + "\\" * 50_000)) == 1


@pytest.mark.parametrize("name", sorted(HOP_BY_HOP))
def test_hop_by_hop_field_is_not_stored(name: bytes) -> None:
    assert end_to_end([(name, b"x"), (b"etag", b"y")]) == [(b"etag", b"y")]


def test_fields_named_by_connection_are_not_stored() -> None:
    pairs = [(b"connection", b"close, A"), (b"a", b"1"), (b"connection", b"b"), (b"b", b"2")]
    assert connection_names(FieldLines(pairs)) == {b"close", b"a", b"b"}
    assert end_to_end([*pairs, (b"c", b"3")]) == [(b"c", b"3")]


def test_withheld_fields_are_not_stored_and_cookies_are() -> None:
    pairs = [(b"a", b"1"), (b"set-cookie", b"x"), (b"set-cookie", b"y")]
    assert end_to_end(pairs, frozenset({b"a"})) == pairs[1:]


def test_304_replaces_every_field_it_carries() -> None:
    stored = [(b"cache-control", b"max-age=1"), (b"x", b"1"), (b"x", b"2"), (b"y", b"3")]
    answer = [(b"cache-control", b"max-age=9"), (b"x", b"4"), (b"z", b"5")]
    assert updated_by_304(stored, answer) == [
        (b"y", b"3"),
        (b"cache-control", b"max-age=9"),
        (b"x", b"4"),
        (b"z", b"5"),
    ]


@pytest.mark.parametrize(
    "name",
    [b"content-length", b"content-encoding", b"content-range", b"transfer-encoding", b"te"],
)
def test_304_never_changes_what_describes_the_stored_bytes(name: bytes) -> None:
    stored = [(b"content-length", b"36"), (b"content-encoding", b"gzip")]
    assert updated_by_304(stored, [(name, b"10")]) == stored


def test_304_cannot_smuggle_a_field_named_by_its_connection() -> None:
    answer = [(b"connection", b"x"), (b"x", b"new")]
    assert updated_by_304([(b"x", b"old")], answer) == [(b"x", b"old")]


@given(PAIRS, PAIRS)
def test_a_second_equal_304_changes_nothing_more(stored: list[Pair], answer: list[Pair]) -> None:
    once = updated_by_304(stored, answer)
    assert updated_by_304(once, answer) == once
    lengths = FieldLines(stored).lines(b"content-length")
    assert list(FieldLines(once).lines(b"content-length")) == list(lengths)
