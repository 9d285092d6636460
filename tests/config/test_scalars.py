"""Claims about one written value."""

from __future__ import annotations

from typing import Any

import pytest

from config.scalars import bounds, expected, needs_quotes, placeholder, read_scalar, write_scalar
from config.shape import Field, fields_of
from config.token_keys import TokenKey
from config.topology import Address, CacheDisk, EdgeNode, EdgeSettings, Route
from config.units import UnitError


def field(record: type, name: str) -> Field:
    return {each.name: each for each in fields_of(record)}[name]


@pytest.mark.parametrize(
    ("record", "name", "text", "value"),
    [
        (EdgeNode, "workers", "4", 4),
        (EdgeNode, "weight", "1e-2", 0.01),
        # The longest fraction that a float is written with.
        (EdgeNode, "weight", "0.00014599303729311723", 0.00014599303729311723),
        (EdgeNode, "listen", "[::1]:80", Address("::1", 80)),
        (EdgeSettings, "head_timeout_seconds", "250ms", 0.25),
        (CacheDisk, "size_bytes", "1GiB", 1 << 30),
        (CacheDisk, "path", "/abs", "/abs"),
        (CacheDisk, "path", "here", "/folder/here"),
        (EdgeSettings, "access_log", "-", "-"),
        (Route, "token", "true", True),
    ],
)
def test_value_is_read_by_its_declaration(record: type, name: str, text: str, value: Any) -> None:
    got = read_scalar(field(record, name), text, folder="/folder")
    assert got == value
    assert type(got) is type(value)


def test_what_is_written_is_read_back() -> None:
    for name, value in [("workers", 3), ("weight", 0.5), ("listen", Address("a", 1))]:
        each = field(EdgeNode, name)
        assert read_scalar(each, str(write_scalar(each, value))) == value


def test_empty_text_needs_quotes_and_an_empty_default() -> None:
    assert read_scalar(field(EdgeNode, "url"), "", quoted=True) == ""
    for record, name in [(CacheDisk, "path"), (EdgeNode, "name")]:
        with pytest.raises(UnitError, match="empty"):
            read_scalar(field(record, name), "", quoted=True)


@pytest.mark.parametrize("text", ["1e999", "inf", "nan", ".5", "1_0", "+1", "1e"])
def test_number_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        read_scalar(field(EdgeNode, "weight"), text)


def test_unprintable_text_is_refused() -> None:
    with pytest.raises(UnitError, match="printable"):
        read_scalar(field(EdgeNode, "site"), "a\x00b", quoted=True)


def test_a_secret_that_looks_like_a_number_is_refused_without_showing_it() -> None:
    with pytest.raises(UnitError) as refused:
        read_scalar(field(TokenKey, "secret"), "123456")
    assert "123456" not in refused.value.message


@pytest.mark.parametrize("text", ["", "no", "NULL", "1", "-1.5", "1e5", "1_000", "~"])
def test_text_that_reads_as_something_else_needs_quotes(text: str) -> None:
    assert needs_quotes(text)
    assert not needs_quotes("x" + text)


def test_bounds_are_shown_in_the_unit_of_the_setting() -> None:
    assert bounds(field(EdgeSettings, "block_bytes")) == "at least 64KiB, at most 16MiB"
    assert bounds(field(EdgeSettings, "head_timeout_seconds")) == "at least 100ms"
    assert bounds(field(EdgeNode, "site")) == ""


def test_placeholder_is_of_the_right_type() -> None:
    assert placeholder(field(EdgeNode, "site"), "x") == "x"
    assert placeholder(field(EdgeNode, "workers"), "x") == 0
    assert placeholder(field(EdgeNode, "listen"), None) == Address("", 0)
    assert placeholder(field(Route, "token"), None) is False


def test_expectation_names_the_choices_or_the_unit() -> None:
    assert expected(field(CacheDisk, "size_bytes")) == "a size such as 64KiB or 10GiB"
    assert expected(field(Route, "token")) == "true or false"
