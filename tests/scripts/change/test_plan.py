"""What a plan says, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from config.load import load_topology
from config.token_keys import TokenKey
from config.topology import (
    Address,
    CacheDisk,
    EdgeNode,
    EdgeSettings,
    OriginNode,
    RouterNode,
    Site,
    Topology,
    Volume,
)
from scripts.change.plan import Deed, Plan, make_plan

_DISK = (CacheDisk("/c"),)


def edge(name: str, port: int, site: str = "fra", **more: object) -> EdgeNode:
    made = EdgeNode(name, site, Address("127.0.0.1", port), _DISK, url=f"http://127.0.0.1:{port}")
    return replace(made, admin=Address("127.0.0.1", port + 100), **more)  # type: ignore[arg-type]


_OLD = Topology(
    sites=(Site("fra", 50, 8), Site("iad", 39, -77)),
    origins=(OriginNode("o", Address("127.0.0.1", 8000), "/d", volumes=(Volume("a", "/a"),)),),
    edges=(edge("e1", 9001), edge("e2", 9002), edge("e3", 9003, "iad")),
    routers=(RouterNode("r", Address("127.0.0.1", 8080)),),
)


def steps(plan: Plan) -> list[tuple[str, str]]:
    return [(step.deed.value, step.name) for step in plan.steps]


def test_the_same_topology_takes_no_step() -> None:
    plan = make_plan(_OLD, replace(_OLD))
    assert plan.is_empty
    assert steps(plan) == []


def test_what_is_new_runs_and_is_warm_before_anybody_is_sent_there() -> None:
    new = replace(_OLD, edges=(*_OLD.edges, edge("e4", 9004, "iad")))
    plan = make_plan(_OLD, new, warmed=("films/a.mp4",))
    assert steps(plan) == [("start", "e4"), ("warm", "e4"), ("take over", "")]


def test_what_goes_stops_after_nobody_is_sent_there() -> None:
    assert steps(make_plan(_OLD, replace(_OLD, edges=_OLD.edges[:2]))) == [
        ("take over", ""),
        ("stop", "e3"),
    ]


def test_what_cannot_be_taken_over_restarts_one_after_the_other() -> None:
    small = EdgeSettings(block_bytes=1 << 18)
    edges = tuple(replace(each, settings=small) for each in _OLD.edges)
    plan = make_plan(_OLD, replace(_OLD, edges=edges))
    assert steps(plan) == [("take over", ""), *(("restart", f"e{n}") for n in (1, 2, 3))]
    assert plan.steps[1].why == "settings.block_bytes"
    assert [w.partition(" ")[0] for w in plan.warnings] == ["e1", "e2", "e3"]


def test_what_can_be_taken_over_restarts_nobody() -> None:
    quick = EdgeSettings(idle_timeout_seconds=5)
    edges = tuple(replace(each, settings=quick) for each in _OLD.edges)
    keys = (TokenKey("k", "x" * 16),)
    assert steps(make_plan(_OLD, replace(_OLD, edges=edges, token_keys=keys))) == [
        ("take over", "")
    ]


def test_an_edge_that_moves_is_named_with_both_sites() -> None:
    moved = (_OLD.edges[0], replace(_OLD.edges[1], site="iad"), _OLD.edges[2])
    plan = make_plan(_OLD, replace(_OLD, edges=moved))
    assert plan.moved_edges == (("e2", "fra", "iad"),)
    assert [m.among for m in plan.movements] == ["edges of site fra", "edges of site iad"]
    assert [round(m.moved, 3) for m in plan.movements] == [0.5, 0.5]


def test_a_volume_that_comes_takes_its_share_of_what_is_stored() -> None:
    (origin,) = _OLD.origins
    two = replace(origin, volumes=(*origin.volumes, Volume("b", "/b", weight=3)))
    plan = make_plan(_OLD, replace(_OLD, origins=(two,)), stored_bytes=1000)
    (movement,) = plan.movements
    assert (movement.among, movement.size_bytes) == ("volumes of o", 750)
    assert steps(plan) == [("take over", ""), ("restart", "o")]
    assert "o is the only origin" in plan.warnings[0]


def test_keys_that_are_rotated_are_told() -> None:
    old = replace(_OLD, token_keys=(TokenKey("a", "x" * 16), TokenKey("b", "y" * 16)))
    new = replace(_OLD, token_keys=(TokenKey("c", "z" * 16), TokenKey("b", "w" * 16)))
    assert make_plan(old, new).rotated_keys == (
        "a goes: tokens signed with it are refused from now on",
        "c is new",
        "b is another key of the same name: tokens signed before are refused",
        "c signs from now on in place of a",
    )


def test_edges_that_cannot_be_drained_are_warned_of() -> None:
    bare = tuple(replace(each, admin=None) for each in _OLD.edges)
    plan = make_plan(replace(_OLD, edges=bare), replace(_OLD, edges=bare[:2]))
    assert plan.warnings == ("e3 has no admin address: it cannot be drained before it stops",)


def test_all_addresses_at_once_are_warned_of() -> None:
    edges = tuple(
        replace(e, listen=Address("127.0.0.1", e.listen.port + 10), url=f"http://{e.name}:1")
        for e in _OLD.edges
    )
    assert any(
        "another address at once" in w for w in make_plan(_OLD, replace(_OLD, edges=edges)).warnings
    )


def test_every_setting_of_the_example_can_be_compared(tmp_path: Path) -> None:
    example = load_topology(Path(__file__).parents[3] / "config" / "topology.example.yaml", {})
    plan = make_plan(example, Topology())
    assert {step.deed for step in plan.steps} == {Deed.TAKE_OVER, Deed.STOP}


@pytest.mark.parametrize("section", ["service", "dns.zone"])
def test_settings_of_a_whole_tier_restart_all_of_it(section: str) -> None:
    from config.locating import Dns
    from config.service import Service

    new = (
        replace(_OLD, service=Service())
        if section == "service"
        else replace(_OLD, dns=Dns(zone="cdn.example"))
    )
    restarted = [s.name for s in make_plan(_OLD, new).steps if s.deed is Deed.RESTART]
    assert restarted == (["o"] if section == "service" else ["r"])
