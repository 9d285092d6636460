"""No card number comes in, however it is written and wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.binding import check_shape
from origin.domains.payments.cards import (
    Cardless,
    CardNumberError,
    holds_card_number,
    passes_luhn,
)


class Body(Cardless):
    """A body with one member."""

    text: str = ""


@pytest.mark.parametrize(
    "value",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "my card: 378282246310005, thanks",
        4242424242424242,
        4242424242424242.0,
        {"a": [{"b": "6011111111111117"}]},
        {"4242424242424242": "x"},
    ],
)
def test_card_number_is_found(value: object) -> None:
    assert holds_card_number(value)


@pytest.mark.parametrize(
    "value",
    ["4242424242424241", "pm_1MqLiJ4242424242424242abc", "0000000000000000", "2026-11-28", True,
     None, 12.5, "424242424242"],
)  # fmt: skip
def test_other_values_are_not(value: object) -> None:
    assert not holds_card_number(value)


@pytest.mark.parametrize(
    "text", [b'{"text": "4242 4242 4242 4242"}', b'{"number": "4242424242424242"}']
)
def test_body_with_a_card_number_is_refused_without_repeating_it(text: bytes) -> None:
    with pytest.raises(CardNumberError) as refused:
        check_shape(text, Body)
    assert "4242" not in str(refused.value.extra) + refused.value.detail


@given(st.text("0123456789", min_size=12, max_size=18))
def test_one_check_digit_of_ten_is_right(digits: str) -> None:
    right = [last for last in "0123456789" if passes_luhn(digits + last)]
    assert len(right) == (1 if any(character != "0" for character in digits) else 0)


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5))
def test_any_value_is_looked_at(value: object) -> None:
    assert holds_card_number(value) in (True, False)
