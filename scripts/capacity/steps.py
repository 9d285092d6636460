"""One line of arithmetic: what is reckoned, from which figures, to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Step:
    """`what` = `sum` = `value`."""

    what: str
    sum: str
    value: str

    def __str__(self) -> str:
        return f"{self.what} = {self.sum} = {self.value}"


def amount(size_bytes: float, per: str = "") -> str:
    """Bytes to four digits in the unit they are read in: 30 TB, 1.5 GB/s."""
    size, unit = float(size_bytes), 0
    while abs(size) >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.{_DIGITS}g} {_UNITS[unit]}{per}"


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}"
