"""A plan for people and for programs says the same."""

from __future__ import annotations

import io
import json

from rich.console import Console

from config.topology import Address, CacheDisk, EdgeNode, Site, Topology
from scripts.change.plan import make_plan
from scripts.change.show import plan_as_json, print_plan

_OLD = Topology(sites=(Site("fra", 50, 8),))


def edge(name: str, port: int) -> EdgeNode:
    return EdgeNode(name, "fra", Address("127.0.0.1", port), (CacheDisk("/c", 1 << 30),))


def shown(old: Topology, new: Topology) -> str:
    out = io.StringIO()
    print_plan(make_plan(old, new), Console(file=out, width=100))
    return out.getvalue()


_ONE = Topology(sites=_OLD.sites, edges=(edge("a", 1),))
_TWO = Topology(sites=_OLD.sites, edges=(edge("a", 1), edge("b", 2)))


def test_nothing_is_said_to_be_nothing() -> None:
    assert shown(_ONE, _ONE) == "Nothing differs.\n"


def test_people_see_steps_settings_and_what_moves() -> None:
    text = shown(_ONE, _TWO)
    assert "start" in text
    assert "edge b" in text
    assert "edges of site fra: 50.0%, 1 GiB" in text
    assert "edges[b]" in text


def test_programs_see_the_same() -> None:
    body = json.loads(json.dumps(plan_as_json(make_plan(_ONE, _TWO))))
    assert [(s["do"], s["tier"], s["name"]) for s in body["steps"]] == [
        ("start", "edge", "b"),
        ("take over", None, ""),
    ]
    (movement,) = body["movements"]
    assert (movement["moved"], movement["bytes"]) == (0.5, 1 << 30)
    assert {node["name"]: node["gained"] for node in movement["nodes"]} == {"a": 0.0, "b": 0.5}
