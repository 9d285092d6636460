"""The fields of the IETF draft, and which protocol is spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from cdnkit.structured import parse_dictionary
from origin.resumable.draft import (
    Dialect,
    dialect_of,
    format_flag,
    format_limits,
    parse_flag,
    parse_integer,
)


@pytest.mark.parametrize("value", [True, False])
def test_flags_are_read_as_written(value: bool) -> None:
    assert parse_flag(format_flag(value), "Upload-Complete") is value


@pytest.mark.parametrize("text", ["", "1", "true", "?2", "?1, ?0", "yes"])
def test_other_flags_are_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_flag(text, "Upload-Complete")


@pytest.mark.parametrize("text", ["-1", "?1", "1.5", '"1"', "1, 2", "", "9" * 16, "ä"])
def test_other_integers_are_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_integer(text, "Upload-Offset")


@given(st.integers(0, 10**15 - 1))
def test_every_integer_is_read(value: int) -> None:
    assert parse_integer(str(value), "Upload-Offset") == value


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_flag, parse_integer):
        try:
            parse(text, "Upload-Offset")
        except BadRequestError:
            continue


def test_limits_are_a_dictionary() -> None:
    found = parse_dictionary(format_limits(1000, -5))
    assert found is not None
    assert {name: value for name, (value, _) in found.items()} == {
        "max-size": 1000,
        "min-size": 0,
        "max-age": 0,
    }


@pytest.mark.parametrize(
    ("fields", "dialect"),
    [
        ({"tus-resumable": "1.0.0"}, Dialect.TUS),
        ({"tus-resumable": "1.0.0", "upload-complete": "?0"}, Dialect.TUS),
        ({"upload-complete": "?1"}, Dialect.DRAFT),
        ({"upload-complete": "?1", "upload-metadata": "key YQ=="}, Dialect.DRAFT),
        ({"content-type": "application/offset+octet-stream"}, Dialect.TUS),
        ({"upload-metadata": "key YQ=="}, Dialect.TUS),
        ({}, Dialect.DRAFT),
    ],
)
def test_each_message_tells_its_protocol(fields: dict[str, str], dialect: Dialect) -> None:
    assert dialect_of(fields) is dialect
