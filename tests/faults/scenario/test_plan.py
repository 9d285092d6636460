"""A scenario survives being written down, and nonsense is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.scenario.drawing import draw_scenario
from tests.faults.scenario.plan import (
    Fault,
    Kind,
    PlanError,
    Scenario,
    Shape,
    format_scenario,
    links_of,
    parse_scenario,
)

CUT = "{at_seconds: 1, kind: feed-cut, target: edge-a>origin}"


@given(st.integers(0, 10_000))
def test_what_is_written_is_read_again(seed: int) -> None:
    scenario = draw_scenario(seed)
    assert parse_scenario(format_scenario(scenario)) == scenario


def test_what_is_left_out_has_its_default() -> None:
    assert parse_scenario("name: nothing") == Scenario("nothing")


def test_numbers_and_words_are_read_as_what_they_are() -> None:
    scenario = parse_scenario(
        "name: a\nseconds: 3\nshape: {peers: true}\n"
        "faults: [{at_seconds: 1, kind: kill, target: edge-a}]"
    )
    assert scenario.seconds == 3.0
    assert scenario.shape == Shape(peers=True)
    assert scenario.faults == (Fault(1.0, Kind.KILL, "edge-a"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "expected"),
        ("- a", "scenario: expected a mapping"),
        ("seed: 1", "name is missing"),
        ("name: a\nspeed: 1", "there is no 'speed'"),
        ("name: a\nseed: x", "scenario.seed: expected int"),
        ("name: a\nshape: {peers: 1}", "scenario.shape.peers: expected bool"),
        ("name: a\ncast: {players: true}", "scenario.cast.players: expected int"),
        ("name: a\nfaults: [{at_seconds: 1, kind: fire, target: edge-a}]", "'fire' is none of"),
        ("name: a\nfaults: [{at_seconds: 1, kind: kill, target: edge-z}]", "no process"),
        ("name: a\nfaults: [{at_seconds: -1, kind: kill, target: edge-a}]", "below zero"),
        ("name: a\nfaults: [{at_seconds: 1, kind: stall, target: edge-a}]", "no link"),
        ("name: a\nfaults: [{at_seconds: 1, kind: stall, target: edge-a>edge-a}]", "no link"),
        ("name: a\nfaults: [{at_seconds: 1, kind: stall, target: world>external}]", "no link"),
        ("name: a\nfaults: [{at_seconds: 1, kind: feed-cut, target: world>origin}]", "no edge"),
        ("name: a\nshape: {objects: true, copies: 2}", "keeps its own"),
        ("name: a\nshape: {origins: 3}", "one or two"),
        ("name: a\nshape: {origins: 2}", "need postgresql"),
        ("name: a\nfaults: [{at_seconds: 1, kind: kill, target: origin-b}]", "no origin-b"),
        ("name: a\nfaults: [{at_seconds: 1, kind: reset, target: edge-a>origin-b}]", "no origin-b"),
        ("name: a\nfaults: [{at_seconds: 1, kind: disk-slow, target: router}]", "no disk"),
        (f"name: a\nshape: {{tls: true}}\nfaults: [{CUT}]", "nobody can tell"),
        ("name: a\ncast: {viewers: 1}", "need shape.service"),
        ("name: a\nfaults: [{at_seconds: 1, kind: reset, target: origin>database}]", "no database"),
        ("name: a\nfaults: [{at_seconds: 1, kind: reset, target: origin>objects}]", "no objects"),
        ("name: a\nfaults: [{at_seconds: 1, kind: feed-cut, target: origin>objects}]", "no edge"),
        ("name: a\nfaults: [{at_seconds: 1, kind: disk-full, target: router}]", "no disk"),
        ("name: a\nfaults: [{at_seconds: 1, kind: disk-broken, target: origin}]", "only an edge"),
    ],
)
def test_nonsense_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        parse_scenario(text)


def test_links_are_those_that_something_happens_to() -> None:
    faults = (
        Fault(0, Kind.STALL, "edge-b>origin"),
        Fault(1, Kind.KILL, "edge-a"),
        Fault(2, Kind.RESET, "edge-b>origin"),
        Fault(2, Kind.RESET, "edge-a>external"),
    )
    assert links_of(Scenario("a", faults=faults)) == ["edge-a>external", "edge-b>origin"]
