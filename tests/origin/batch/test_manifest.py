"""Records of snapshots survive their JSON; anything else is refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from origin.batch.manifest import (
    DAY_SECONDS,
    Day,
    Manifest,
    Part,
    Plan,
    day_of,
    day_start,
    format_record,
    parse_day,
    parse_manifest,
    parse_plan,
    snapshot_id,
)

whole = st.integers(0, 2**62)
part = st.builds(Part, st.text(), whole, whole, st.text())
parts = st.lists(part, max_size=3).map(tuple)
day = st.builds(Day, st.text(), whole, whole, parts)
moment = st.floats(0, 4e9)
manifest = st.builds(
    Manifest, st.text(), whole, moment, st.lists(day, max_size=3).map(tuple), parts
)


@given(manifest)
def test_manifest_is_read_as_it_was_written(record: Manifest) -> None:
    assert parse_manifest(format_record(record), "x") == record


@given(st.builds(Plan, st.text(), whole, moment, parts), day)
def test_plans_and_days_are_read_as_they_were_written(plan: Plan, one: Day) -> None:
    assert parse_plan(format_record(plan), "x") == plan
    assert parse_day(format_record(one), "x") == one


@given(moment)
def test_moment_lies_in_its_day(at: float) -> None:
    start = day_start(at)
    assert start <= at < start + DAY_SECONDS
    assert day_of(start) == day_of(at) != day_of(start + DAY_SECONDS)


def test_days_and_names_are_in_utc() -> None:
    assert day_of(1_795_906_799.9) == "2026-11-28"
    assert snapshot_id(1_795_935_780.0, 12) == "20261129T070300Z-12"


@pytest.mark.parametrize("parse", [parse_manifest, parse_plan, parse_day])
def test_anything_else_is_refused_by_name(parse: type) -> None:
    good = format_record(Manifest("id", 1, 2.0, (), ()))
    later = json.dumps({"schema": 2}).encode()
    for text in (b"", good[:-20], b"[]", b"null", later, b'{"schema": 1, "days": [{}]}', b"\xff"):
        with pytest.raises(BadRequestError, match=r"some/manifest\.json"):
            parse(text, "some/manifest.json")


def test_parts_of_the_log_come_in_the_order_of_days() -> None:
    one, two, film = (Part(name, 1, 1, "") for name in ("one", "two", "film"))
    record = Manifest("id", 9, 2.0, (Day("a", 1, 1, (one,)), Day("b", 1, 9, (two,))), (film,))
    assert list(record.activity_parts()) == [one, two]
    assert list(record.parts()) == [one, two, film]
    assert record.day("b") == record.days[1]
    assert record.day("c") is None
    assert record.days[0].holds(1, 1)
    assert not record.days[0].holds(1, 2)
    assert not record.days[0].holds(2, 1)
