"""Decimal texts of numbers that come again and again. Pure.

Lengths of answers are few; formatting one costs three times what looking it up costs.
"""

from __future__ import annotations

from typing import Final

NUMERALS_MAX: Final = 4096


class Numerals(dict[int, bytes]):
    """`numerals[n]` is the decimal text of `n` followed by `suffix`; never more than 4096."""

    def __init__(self, suffix: bytes = b"") -> None:
        super().__init__()
        self._suffix = suffix

    def __missing__(self, number: int) -> bytes:
        if len(self) >= NUMERALS_MAX:
            self.clear()
        self[number] = text = b"%d%b" % (number, self._suffix)
        return text
