"""All targets are in the table, once."""

from __future__ import annotations

from scripts.fuzz.targets.table import TARGETS


def test_names_are_told_apart() -> None:
    names = [target.name for target in TARGETS]
    assert len(names) == len(set(names))
    assert len(names) > 30
