from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.dates import format_http_date
from cdnkit.validators import Validators, Verdict, evaluate, is_strong_etag, range_applies
from tests.helpers.vectors import case_id, load_vectors

# etagc of RFC 9110 8.8.3, obs-text as decoders hand it over.
opaque_tags = st.text(
    st.characters(min_codepoint=0x21, exclude_characters='"\x7f', exclude_categories=())
).map(lambda text: f'"{text}"')
CONDITIONS = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]


def _current(case: dict[str, Any]) -> Validators:
    return Validators(case.get("etag"), case.get("modified"))


@pytest.mark.parametrize("case", load_vectors("validators", "evaluate"), ids=case_id)
def test_conditions_decide_as_the_standard_says(case: dict[str, Any]) -> None:
    current = None if case.get("missing") else _current(case)
    verdict = evaluate(case.get("method", "GET"), case["fields"], current)
    assert verdict is Verdict(case["verdict"])


@pytest.mark.parametrize("case", load_vectors("validators", "range_applies"), ids=case_id)
def test_if_range_lets_only_surely_equal_bytes_pass(case: dict[str, Any]) -> None:
    assert range_applies(case["if_range"], _current(case), case.get("date")) is case["applies"]


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ('"a"', True),
        ('""', True),
        ('"a,b"', True),
        ('"ü"', True),
        ('"a\udcff"', True),
        ('W/"a"', False),
        ("a", False),
        ('"a', False),
        ('a"', False),
        ('"', False),
        ("", False),
        ('"a b"', False),
        ('"a"b"', False),
        ('"a"\n', False),
        ('"a\x7f"', False),
        ('"a\0"', False),
    ],
)
def test_strong_tag_is_quoted_and_unmarked(text: str, strong: bool) -> None:
    assert is_strong_etag(text) is strong


@given(st.lists(opaque_tags, min_size=1, max_size=6), st.data())
def test_every_tag_of_a_list_is_found_whatever_it_holds(
    tags: list[str], data: st.DataObject
) -> None:
    written = [data.draw(st.sampled_from([tag, f"W/{tag}"])) for tag in tags]
    field = data.draw(st.sampled_from([",", ", ", " ,\t", ",,"])).join(written)
    stored = data.draw(st.sampled_from(tags))
    for etag in (stored, f"W/{stored}"):
        verdict = evaluate("GET", {"if-none-match": field}, Validators(etag))
        assert verdict is Verdict.NOT_MODIFIED
    strongly = evaluate("PUT", {"if-match": field}, Validators(stored))
    assert strongly is (Verdict.PROCEED if stored in written else Verdict.FAILED)


@given(st.lists(opaque_tags, max_size=6), opaque_tags)
def test_tag_that_is_not_in_the_list_never_matches(tags: list[str], other: str) -> None:
    field = ", ".join(tag for tag in tags if tag != other)
    assert evaluate("GET", {"if-none-match": field}, Validators(other)) is Verdict.PROCEED
    assert evaluate("PUT", {"if-match": field}, Validators(other)) is Verdict.FAILED


@given(
    st.dictionaries(st.sampled_from(CONDITIONS), st.text()),
    st.sampled_from(["GET", "HEAD", "PUT", "OPTIONS", "M-SEARCH"]),
    st.text(),
)
def test_no_text_raises(fields: dict[str, str], method: str, etag: str) -> None:
    for current in (None, Validators(), Validators(etag, 5)):
        evaluate(method, fields, current)


@given(st.text(alphabet='"W/a, *\t\\', max_size=20), st.text(alphabet='"Wa/, ', max_size=6))
def test_if_range_holds_for_the_one_strong_tag_only(if_range: str, etag: str) -> None:
    applies = range_applies(if_range, Validators(etag, 5), None)
    assert applies is (if_range.strip(" \t") == etag and is_strong_etag(etag))


@given(st.integers(0, 4_000_000_000), st.integers(-5, 5), st.integers(-5, 5))
def test_dates_are_compared_to_the_second(modified: int, asked: int, answered: int) -> None:
    text, current = format_http_date(modified + asked), Validators(None, modified)
    since = evaluate("GET", {"if-modified-since": text}, current)
    assert (since is Verdict.NOT_MODIFIED) is (asked >= 0)
    until = evaluate("PUT", {"if-unmodified-since": text}, current)
    assert (until is Verdict.FAILED) is (asked < 0)
    assert range_applies(text, current, modified + answered) is (asked == 0 and answered >= 1)


@pytest.mark.parametrize("filler", ['"a",', " ", ",", '"a', "W/", '"a" '])
def test_long_hostile_lists_take_linear_time(filler: str) -> None:
    field = filler * (200_000 // len(filler)) + "x"
    assert evaluate("GET", {"if-none-match": field}, Validators('"b"')) is Verdict.PROCEED
