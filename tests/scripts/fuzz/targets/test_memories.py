"""Targets of what an edge wrote for itself see a record that is read otherwise than written."""

from __future__ import annotations

import pytest

from edge.place import Place
from scripts.fuzz.target import Target
from scripts.fuzz.targets import memories
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in memories.TARGETS}


@pytest.mark.parametrize("target", memories.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_a_place_that_is_read_otherwise_than_written_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found_in(BY_NAME["place"], b'{"sequence": 1}') is None
    places = iter((Place(1), Place(2)))
    monkeypatch.setattr(memories, "parse_place", lambda value: next(places))
    found = found_in(BY_NAME["place"], b'{"sequence": 1}')
    assert found is not None
    assert "round trip" in found.error


def test_a_number_that_is_none_does_not_end_the_start() -> None:
    assert found_in(BY_NAME["place"], b'{"sequence": 1e999}') is None
    assert found_in(BY_NAME["learned"], b"CDL1" + bytes(8)) is None
