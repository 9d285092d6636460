"""Recognises the number of a payment card, so that none is ever taken, logged or kept.

A run of 13 to 19 digits, blanks and dashes between them allowed, whose check digit is right
(ISO/IEC 7812-1, Luhn). Ids of Stripe hold letters and are none.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import model_validator

from cdnkit.errors import BadRequestError
from cdnkit.service.operations import Shape

_RUN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \-]?[0-9]){12,18}(?![0-9A-Za-z])")
_DEPTH_MAX: Final = 10


class CardNumberError(BadRequestError):
    """A card's number was sent to us; it belongs to the payment provider alone."""

    code = "card-number"


class Cardless(Shape):
    """Base of bodies that come in: none of their members, named or not, holds a card number."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_cards(cls, given: Any) -> Any:
        if holds_card_number(given):
            raise CardNumberError("card numbers are given to the payment provider, never to us")
        return given


def holds_card_number(value: object, depth: int = 0) -> bool:
    """Whether a JSON value holds a card number anywhere."""
    if depth > _DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return any(holds_card_number(each, depth + 1) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return any(holds_card_number(each, depth + 1) for each in value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return any(passes_luhn(found.group()) for found in _RUN.finditer(text))


def passes_luhn(text: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    digits = [int(character) for character in text if "0" <= character <= "9"]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and any(digits)
