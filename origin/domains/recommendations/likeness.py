"""How alike the lists of two runs are, profile by profile. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from origin.catalog.recommended import TitleList

FIRST: Final = 10


def likeness(mine: Iterable[TitleList], theirs: Iterable[TitleList]) -> tuple[list[int], int]:
    """Profiles by how many of their first ten titles are the same, and how many begin alike.

    Only profiles that both have a list for are counted; places among the ten do not matter.
    """
    others = {each.owner: _first(each) for each in theirs}
    same_of_ten, same_first = [0] * (FIRST + 1), 0
    for each in mine:
        other = others.get(each.owner)
        if other is None:
            continue
        own = _first(each)
        same_of_ten[len(set(own) & set(other))] += 1
        same_first += own[:1] == other[:1]
    return same_of_ten, same_first


def _first(found: TitleList) -> list[str]:
    return [item.title for item in found.items[:FIRST]]
