"""Query parameters of listings, read strictly: unknown, repeated or senseless ones are refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

from cdnkit.errors import BadRequestError

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1000
_DIGITS_MAX: Final = 18


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing is asked for."""

    prefix: str
    after: str
    limit: int


def parse_page(query: MultiMapping[str], limit_max: int = LIMIT_MAX) -> Page:
    """`prefix`, `after` and `limit`. Raises BadRequestError."""
    require_known(query, ("prefix", "after", "limit"))
    limit = parse_count(query, "limit", LIMIT_DEFAULT, minimum=1, maximum=limit_max)
    return Page(query.get("prefix", ""), query.get("after", ""), limit)


def require_known(query: MultiMapping[str], names: Collection[str]) -> None:
    """Raise BadRequestError for a parameter that is not in `names`, or given twice."""
    for name in set(query):
        if name not in names:
            known = ", ".join(names) or "none"
            raise BadRequestError(f"unknown parameter {name[:60]!r}; known are: {known}")
        if len(query.getall(name)) > 1:
            raise BadRequestError(f"parameter {name!r} is given more than once")


def parse_count(
    query: MultiMapping[str], name: str, default: int, *, minimum: int = 0, maximum: int | None
) -> int:
    """A whole number in `[minimum, maximum]`. Raises BadRequestError."""
    text = query.get(name)
    if text is None:
        return default
    # int() would take signs, spaces, underscores and digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise BadRequestError(f"parameter {name!r} is not a whole number")
    value = int(text)
    if value < minimum or (maximum is not None and value > maximum):
        upper = "" if maximum is None else f" and at most {maximum}"
        raise BadRequestError(f"parameter {name!r} must be at least {minimum}{upper}")
    return value
