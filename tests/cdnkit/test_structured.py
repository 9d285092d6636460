from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.structured import (
    BareItem,
    Token,
    format_dictionary,
    parse_dictionary,
    parse_item,
    parse_list,
)


def test_dictionary_has_values_and_parameters() -> None:
    assert parse_dictionary("max-age=600, public;x=1, s=:AAAA:, t=tok, q=(1 2);z") == {
        "max-age": (600, {}),
        "public": (True, {"x": 1}),
        "s": (b"\0\0\0", {}),
        "t": (Token("tok"), {}),
        "q": ([(1, {}), (2, {})], {"z": True}),
    }


def test_list_keeps_its_order() -> None:
    assert parse_list('edge; hit, "a b", 1.5') == [
        (Token("edge"), {"hit": True}),
        ("a b", {}),
        (Decimal("1.5"), {}),
    ]


def test_item_has_parameters() -> None:
    assert parse_item("  12;a=?0 ") == (12, {"a": False})


def test_last_of_equal_names_counts() -> None:
    assert parse_dictionary("a=1, a=2") == {"a": (2, {})}


def test_empty_fields_are_empty_dictionaries_and_lists_and_no_item() -> None:
    assert parse_dictionary("") == {}
    assert parse_list("") == []
    assert parse_item("") is None


@pytest.mark.parametrize(
    "text",
    ["a=", "A=1", "a=1,", "a=1 b=2", "a='x'", "a=1é", "a=\ud800", "a=1;", "a=1\n", ",", "=1"],
)
def test_invalid_dictionary_is_none(text: str) -> None:
    assert parse_dictionary(text) is None


@pytest.mark.parametrize("text", ["a,", ",a", "a b", "(a", '"a', "1234567890123456", "é"])
def test_invalid_list_is_none(text: str) -> None:
    assert parse_list(text) is None


@pytest.mark.parametrize("text", ["a, b", "a;B", "--1", "@1.5", ":a", '%"%C3"', "1.", "é"])
def test_invalid_item_is_none(text: str) -> None:
    assert parse_item(text) is None


@given(st.text() | st.text(alphabet='ab1-.=,;:()"\\@%?* \t'))
def test_no_text_raises(text: str) -> None:
    for parse in (parse_dictionary, parse_list, parse_item):
        parse(text)


values = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.booleans(),
    st.binary(),
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)),
    st.from_regex(r"[A-Za-z*][a-z0-9:/!#$%&'*+.^_`|~-]{0,9}", fullmatch=True).map(Token),
)


@given(
    st.dictionaries(st.from_regex(r"[a-z*][a-z0-9_.*-]{0,9}", fullmatch=True), values, min_size=1)
)
def test_dictionary_survives_writing_and_reading(members: dict[str, BareItem]) -> None:
    parsed = parse_dictionary(format_dictionary(members))
    assert parsed == {name: (value, {}) for name, value in members.items()}


@pytest.mark.parametrize("members", [{}, {"A": 1}, {"a": "é"}, {"a": 10**15}])
def test_what_cannot_be_written_is_a_value_error(members: dict[str, BareItem]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        format_dictionary(members)
