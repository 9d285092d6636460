"""What an owner says is what the other worker reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.cache_status import Forward
from cdnkit.fields import FieldLines
from cdnkit.wire import MissClass, Outcome
from edge.box.says import Says, format_says, parse_says

numbers = st.integers(0, 1 << 53)
said = st.builds(
    Says,
    st.sampled_from(Outcome),
    st.none() | st.sampled_from(MissClass),
    st.none() | st.integers(100, 599),
    st.booleans(),
    numbers,
    numbers,
    st.booleans(),
    st.none() | st.sampled_from(Forward),
)


@given(said)
def test_it_survives_the_line(says: Says) -> None:
    name, _, value = format_says(says).strip().partition(b": ")
    assert parse_says(FieldLines([(name.lower(), value)])) == says


def test_an_answer_without_the_line_is_nobodys_word() -> None:
    assert parse_says(FieldLines([])) is None


@pytest.mark.parametrize("value", [b"", b"outcome=nonsense", b"status=200", b"outcome=hit; at=x"])
def test_a_line_that_cannot_be_read_is_refused(value: bytes) -> None:
    with pytest.raises((KeyError, ValueError)):
        parse_says(FieldLines([(b"cinedge-owner", value)]))
