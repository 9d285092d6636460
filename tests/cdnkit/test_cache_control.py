"""Cache-Control and targeted fields against vectors, and against anything at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.cache_control import (
    NOTHING_SAID,
    SECONDS_MAX,
    CacheControl,
    governing,
    parse_cache_control,
    parse_seconds,
    parse_targeted,
)
from cdnkit.fields import FieldLines
from tests.helpers.vectors import case_id, load_vectors

TARGETED = (b"cinedge-cache-control", b"cdn-cache-control")


def record(says: dict[str, Any]) -> CacheControl:
    names = frozenset(name.encode() for name in says.get("withheld", ()))
    return replace(NOTHING_SAID, **{**says, "withheld": names})


@pytest.mark.parametrize("case", load_vectors("cache_control", "cache_control"), ids=case_id)
def test_cache_control_says_what_the_vector_says(case: dict[str, Any]) -> None:
    lines = [line.encode("latin-1") for line in case["lines"]]
    assert parse_cache_control(lines) == record(case["says"])


@pytest.mark.parametrize("case", load_vectors("cache_control", "targeted"), ids=case_id)
def test_targeted_field_says_what_the_vector_says(case: dict[str, Any]) -> None:
    expected = None if case["says"] is None else record(case["says"])
    assert parse_targeted(case["value"]) == expected


def test_valid_targeted_field_replaces_cache_control() -> None:
    response = FieldLines([(b"cache-control", b"no-store"), (b"cdn-cache-control", b"max-age=9")])
    directives = governing(response, TARGETED)
    assert directives.targeted
    assert directives.said == CacheControl(max_age=9)


def test_first_valid_targeted_field_of_the_list_wins() -> None:
    response = FieldLines(
        [(b"cdn-cache-control", b"max-age=9"), (b"cinedge-cache-control", b"max-age=8")]
    )
    assert governing(response, TARGETED).said.max_age == 8
    broken = FieldLines(
        [(b"cdn-cache-control", b"max-age=9"), (b"cinedge-cache-control", b"max-age='8'")]
    )
    assert governing(broken, TARGETED).said.max_age == 9


def test_invalid_targeted_field_leaves_cache_control_in_force() -> None:
    response = FieldLines([(b"cache-control", b"max-age=1"), (b"cdn-cache-control", b"")])
    directives = governing(response, TARGETED)
    assert not directives.targeted
    assert directives.said.max_age == 1


def test_targeted_lines_are_one_dictionary() -> None:
    response = FieldLines(
        [(b"cdn-cache-control", b"max-age=9"), (b"cdn-cache-control", b"must-revalidate")]
    )
    assert governing(response, TARGETED).said == CacheControl(max_age=9, must_revalidate=True)


@given(st.lists(st.binary(max_size=80), max_size=4))
def test_any_bytes_give_a_record_with_times_in_bounds(lines: list[bytes]) -> None:
    said = parse_cache_control(lines)
    for seconds in (said.max_age, said.s_maxage, said.max_stale, said.min_fresh):
        assert seconds is None or 0 <= seconds <= SECONDS_MAX


@given(st.text(max_size=80))
def test_any_text_is_a_targeted_record_or_ignored(value: str) -> None:
    assert isinstance(parse_targeted(value), CacheControl | None)


@given(st.integers(min_value=0, max_value=10**30), st.integers(min_value=0, max_value=9))
def test_digits_are_their_number_clamped(number: int, zeros: int) -> None:
    assert parse_seconds("0" * zeros + str(number)) == min(number, SECONDS_MAX)


@given(st.text(max_size=12))
def test_what_is_not_ascii_digits_is_no_number(text: str) -> None:
    is_digits = text != "" and set(text) <= set("0123456789")
    assert (parse_seconds(text) is not None) == is_digits


def test_thousands_of_digits_are_a_number_too() -> None:
    assert parse_seconds("9" * 10_000) == SECONDS_MAX
    assert parse_seconds("0" * 10_000 + "7") == 7


@given(st.text(alphabet='a=",\\ \t', max_size=40), st.sampled_from(["no-store", "private"]))
def test_a_closed_member_before_anything_is_always_seen(rest: str, name: str) -> None:
    said = parse_cache_control([f"{name}, {rest}".encode()])
    assert said.no_store if name == "no-store" else said.private
