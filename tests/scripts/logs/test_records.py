"""Claims about records of access logs."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.logs.records import Wanted, is_status, parse_record, seconds_of, weight_of

RECORD: dict[str, Any] = {
    "time": "2026-11-29T10:00:00.250Z",
    "tier": "edge",
    "node": "e1",
    "client": "192.0.2.1",
    "path": "/~[redacted]/play/dive/3/v/1.m4s?x=1",
    "status": 206,
    "outcome": "miss",
    "reason": "evicted",
    "duration_ms": 12.5,
}


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (Wanted(), True),
        (Wanted(title="dive"), True),
        (Wanted(title="play/dive/3/v/1.m4s"), True),
        (Wanted(title="play/dive/"), True),
        (Wanted(title="div"), False),
        (Wanted(title="play/dive"), False),
        (Wanted(status=("404", "206")), True),
        (Wanted(status=("2xx",)), True),
        (Wanted(status=("5xx", "20")), False),
        (Wanted(node=("e1",)), True),
        (Wanted(node=("e2",)), False),
        (Wanted(outcome=("miss",)), True),
        (Wanted(outcome=("hit",)), False),
        (Wanted(reason=("cold", "evicted")), True),
        (Wanted(reason=("cold",)), False),
        (Wanted(client="192.0.2.1"), True),
        (Wanted(client="192.0.2.2"), False),
        (Wanted(slower_than_ms=12.5), True),
        (Wanted(slower_than_ms=12.6), False),
        (Wanted(title="dive", status=("404",)), False),
    ],
)
def test_a_record_is_wanted_when_all_that_is_said_fits(wanted: Wanted, takes: bool) -> None:
    assert wanted.takes(RECORD) is takes


def test_a_record_with_less_in_it_is_wanted_by_who_asks_for_nothing_more() -> None:
    bare = {"time": RECORD["time"]}
    assert Wanted().takes(bare)
    assert not any(
        wanted.takes(bare)
        for wanted in (Wanted(title="a"), Wanted(status=("2xx",)), Wanted(slower_than_ms=1))
    )


@pytest.mark.parametrize(
    "line", ["", "x", "[]", "3", "{}", '{"time": 3}', '{"time": "soon"}', '{"time": "2026-11-2']
)
def test_what_is_no_record_is_none(line: str) -> None:
    assert parse_record(line) is None


def test_a_record_says_when_it_ended() -> None:
    record = parse_record('{"time":"1970-01-01T00:00:01.500Z"}')
    assert record is not None
    assert seconds_of(record) == 1.5


@pytest.mark.parametrize(
    ("text", "is_one"), [("404", True), ("5xx", True), ("6xx", False), ("4x", False), ("", False)]
)
def test_a_status_is_a_number_or_a_class(text: str, is_one: bool) -> None:
    assert is_status(text) is is_one


@pytest.mark.parametrize(
    ("record", "weight"),
    [({}, 1.0), ({"sample": 0.01}, 100.0), ({"sample": 1}, 1.0), ({"sample": 0}, 1.0)]
    + [({"sample": -1}, 1.0), ({"sample": "x"}, 1.0), ({"sample": None}, 1.0)],
)
def test_a_record_stands_for_as_many_as_its_share_says(
    record: dict[str, object], weight: float
) -> None:
    assert weight_of(record) == weight
