"""Few bytes wait for more, a crowd for the file, and nobody for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.portions import (
    BESIDE_HEAD_BYTES,
    FIRST_BYTES,
    STEP_BYTES,
    first_piece,
    is_worth_sending,
)


@pytest.mark.parametrize(
    ("at_hand", "is_rest", "is_crowded", "is_overdue", "is_worth"),
    [
        (1, False, False, False, False),
        (STEP_BYTES - 1, False, False, False, False),
        (STEP_BYTES, False, False, False, True),
        (1, True, False, False, True),
        (STEP_BYTES, False, True, False, False),
        (STEP_BYTES, True, True, False, False),
        (1, False, True, True, True),
        (1, False, False, True, True),
        (1, True, True, True, True),
    ],
)
def test_what_is_worth_a_send(
    at_hand: int, is_rest: bool, is_crowded: bool, is_overdue: bool, is_worth: bool
) -> None:
    assert is_worth is is_worth_sending(
        at_hand, is_rest=is_rest, is_crowded=is_crowded, is_overdue=is_overdue
    )


@given(st.integers(1, 4 * STEP_BYTES), st.booleans(), st.booleans())
def test_nothing_that_has_waited_long_enough_waits_longer(
    at_hand: int, is_rest: bool, is_crowded: bool
) -> None:
    assert is_worth_sending(at_hand, is_rest=is_rest, is_crowded=is_crowded, is_overdue=True)


@given(st.integers(1, 4 * STEP_BYTES), st.booleans(), st.booleans())
def test_more_bytes_are_never_worth_less(at_hand: int, is_rest: bool, is_crowded: bool) -> None:
    worth = [
        is_worth_sending(size, is_rest=is_rest, is_crowded=is_crowded, is_overdue=False)
        for size in (at_hand, at_hand + 1)
    ]
    assert worth == sorted(worth)


@given(st.integers(1, 4 * BESIDE_HEAD_BYTES), st.booleans())
def test_a_first_piece_is_some_of_what_is_at_hand(at_hand: int, is_crowded: bool) -> None:
    assert 0 < first_piece(at_hand, is_crowded) <= at_hand
    assert first_piece(at_hand, is_crowded=True) <= min(
        FIRST_BYTES, first_piece(at_hand, is_crowded=False)
    )
