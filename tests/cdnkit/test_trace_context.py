"""What is read of `traceparent` and `tracestate`, and what is written (W3C Trace Context)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.trace_context import (
    SPAN_BITS,
    TRACE_BITS,
    Parent,
    format_parent,
    is_in_sample,
    parse_parent,
    trace_of_request,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
READ = Parent(int(TRACE, 16), int(SPAN, 16), True)

trace_ids = st.integers(1, (1 << TRACE_BITS) - 1)
span_ids = st.integers(1, (1 << SPAN_BITS) - 1)


@given(trace_ids, span_ids)
def test_what_is_written_is_read_again(trace_id: int, span_id: int) -> None:
    assert parse_parent(format_parent(trace_id, span_id)) == Parent(trace_id, span_id, True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"00-{TRACE}-{SPAN}-01", READ),
        (f" 00-{TRACE}-{SPAN}-01\t", READ),
        (f"00-{TRACE}-{SPAN}-00", Parent(READ.trace_id, READ.span_id, False)),
        (f"00-{TRACE}-{SPAN}-03", READ),
        (f"00-{TRACE}-{SPAN}-02", Parent(READ.trace_id, READ.span_id, False)),
        # A later version may say more behind what this one knows (4.1).
        (f"cc-{TRACE}-{SPAN}-01", READ),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be", READ),
        (None, None),
        ("", None),
        (f"00-{TRACE}-{SPAN}-01-", None),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"cc-{TRACE}-{SPAN}-01.more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"00-{TRACE[1:]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-0\u0661", None),
    ],
)
def test_only_what_keeps_the_grammar_says_something(text: str | None, found: Parent | None) -> None:
    assert parse_parent(text) == found


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("rojo=1,congo=t61", "rojo=1,congo=t61"),
        (None, ""),
        ("", ""),
        ("x" * 513, ""),
        ("a=1\r\nInjected: 1", ""),
        ("a=\x7f", ""),
    ],
)
def test_a_state_goes_on_as_it_came_or_not_at_all(state: str | None, kept: str) -> None:
    found = parse_parent(f"00-{TRACE}-{SPAN}-01", state)
    assert found is not None
    assert found.state == kept


@given(st.text())
def test_whatever_text_comes_is_read_or_refused(text: str) -> None:
    found = parse_parent(text, text)
    assert found is None or found.trace_id


@given(st.text())
def test_a_request_has_the_same_trace_everywhere(request_id: str) -> None:
    assert trace_of_request(request_id) == trace_of_request(request_id) != 0


@given(trace_ids)
def test_all_or_nothing_are_ratios_like_any_other(trace_id: int) -> None:
    assert is_in_sample(trace_id, 1.0)
    assert not is_in_sample(trace_id, 0.0)


@given(trace_ids, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_sample_holds_the_smaller(trace_id: int, one: float, other: float) -> None:
    if is_in_sample(trace_id, min(one, other)):
        assert is_in_sample(trace_id, max(one, other))


def test_a_sample_has_about_the_share_that_was_asked_for() -> None:
    drawn = [trace_of_request(f"request-{number}") for number in range(20_000)]
    assert 1_800 < sum(is_in_sample(each, 0.1) for each in drawn) < 2_200
