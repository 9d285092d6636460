"""Plays requests against an index, as an edge would."""

from __future__ import annotations

from collections.abc import Iterable

from edge.cache.index import BlockIndex
from edge.cache.policy.slots import Unit


def request(index: BlockIndex, unit: Unit, now: float = 0, size_bytes: int = 1) -> bool:
    """Ask for a unit and let it in when the rule says so; whether it was a hit."""
    if index.hit(unit, now):
        return True
    if index.miss(unit, size_bytes, now):
        index.admit(unit, size_bytes, now)
    return False


def replay(index: BlockIndex, units: Iterable[Unit]) -> list[bool]:
    """Ask for units one second after the other; which were hits."""
    return [request(index, unit, now) for now, unit in enumerate(units)]
