"""Claims about declared settings."""

from __future__ import annotations

import dataclasses

from config.declare import facts_of, setting
from config.shape import fields_of
from config.topology import Topology


def test_setting_carries_its_facts_through_the_dataclass() -> None:
    field = setting("How many.", 3, unit="bytes", minimum=1)
    assert (facts_of(field).doc, facts_of(field).unit, facts_of(field).minimum) == (
        "How many.",
        "bytes",
        1,
    )
    assert field.default == 3


def test_every_setting_has_a_sentence_and_bounds_that_hold_for_its_default() -> None:
    waiting: list[type] = [Topology]
    while waiting:
        record = waiting.pop()
        for field in fields_of(record):
            assert field.facts.doc.endswith("."), field.name
            if field.record is not None:
                waiting.append(field.record)
            elif isinstance(field.default, (int, float)):
                low, high = field.facts.minimum, field.facts.maximum
                assert low is None or field.default >= low, field.name
                assert high is None or field.default <= high, field.name


def test_names_end_with_their_unit() -> None:
    suffix = {"bytes": ("_bytes", "_bytes_max", "_bytes_per_second"), "seconds": ("_seconds",)}
    for field in fields_of(Topology):
        inner = fields_of(field.record) if field.record is not None else ()
        for each in inner:
            assert each.name.endswith(suffix.get(each.facts.unit, ("",))), each.name


def test_records_are_frozen() -> None:
    assert dataclasses.fields(Topology)
    assert Topology.__dataclass_params__.frozen  # type: ignore[attr-defined]
