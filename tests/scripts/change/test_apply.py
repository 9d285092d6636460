"""The steps of a plan as they are taken, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from config.node_file import digest_of
from config.topology import Address, CacheDisk, EdgeNode, EdgeSettings, Node, RouterNode, Topology
from scripts.change.apply import Change, NotTakenBackError, Patience
from scripts.change.plan import make_plan
from scripts.cli.errors import FailedError

OLD_TEXT, NEW_TEXT = b"old", b"new"


def edge(name: str, port: int) -> EdgeNode:
    disks = (CacheDisk("/c"),)
    return EdgeNode(name, "s", Address("127.0.0.1", port), disks, Address("127.0.0.1", port + 1))


OLD = Topology(
    edges=(edge("e1", 9001), edge("e2", 9003)),
    routers=(RouterNode("r", Address("127.0.0.1", 8080)),),
)


@dataclass
class World:
    """Processes that do as they are told; `broken` never come up, `busy` have viewers."""

    running: Path
    log: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: {"e1", "e2", "r"})
    broken: set[str] = field(default_factory=set)
    refuses: bool = False
    drained: set[str] = field(default_factory=set)
    streams: list[int] = field(default_factory=list)
    now: float = 0.0
    read: dict[str, bytes] = field(default_factory=dict)

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        name = str(more.get("name", ""))
        if what == "list":
            return {"ended": dict.fromkeys(self.broken & self.names, "ended: port taken")}
        self.log.append(f"{what} {name}".strip())
        if what in ("start", "restart"):
            self.names.add(name)
            self.read[name] = Path(more.get("file") or self.running).read_bytes()
        elif what == "stop":
            self.names.discard(name)
        elif what == "hang_up" and not (self.refuses and self.running.read_bytes() == NEW_TEXT):
            self.read = dict.fromkeys(self.names, self.running.read_bytes())
        return {}

    def readiness(self, node: Node) -> tuple[bool, dict[str, Any]]:
        if node.name not in self.names or node.name in self.broken:
            return False, {}
        digest = digest_of(self.read.get(node.name, OLD_TEXT))
        if node.name in self.drained:
            return False, {"status": "draining", "topology": digest}
        return True, {"status": "ready", "topology": digest}

    def takes_viewers(self, router: RouterNode, name: str) -> bool | None:
        return name in self.names and name not in self.drained | self.broken

    def drain(self, node: EdgeNode, method: str = "GET") -> dict[str, Any]:
        was = node.name in self.drained
        if method != "GET":
            self.log.append(f"{method} drain {node.name}")
            (self.drained.add if method == "PUT" else self.drained.discard)(node.name)
        return {"draining": was, "streams": self.streams.pop(0) if self.streams else 0}

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def world(tmp_path: Path) -> World:
    running = tmp_path / "topology.yaml"
    running.write_bytes(OLD_TEXT)
    return World(running)


def change(world: World, new: Topology, *, with_hands: bool = True) -> Change:
    return Change(
        *(world.running, OLD, new, OLD_TEXT, NEW_TEXT, cast(Any, world)),
        world if with_hands else None,
        lambda sentence: None,
        Patience(drain_seconds=10),
        clock=lambda: world.now,
        pause=world.pause,
    )


def apply(world: World, new: Topology) -> None:
    change(world, new).apply(make_plan(OLD, new))


ADDED = replace(OLD, edges=(*OLD.edges, edge("e3", 9005)))
SMALL = EdgeSettings(block_bytes=1 << 18)


def test_an_edge_that_comes_runs_with_the_new_file_before_it_is_in_place(world: World) -> None:
    apply(world, ADDED)
    assert world.log == ["start e3", "hang_up", "settle"]
    assert world.read["e3"] == NEW_TEXT == world.running.read_bytes()
    assert list(world.running.parent.iterdir()) == [world.running]


def test_an_edge_that_restarts_is_drained_before_and_routed_to_after(world: World) -> None:
    new = replace(OLD, edges=(replace(OLD.edges[0], settings=SMALL), OLD.edges[1]))
    world.streams = [0, 0, 3, 2, 0]
    apply(world, new)
    assert world.log == ["hang_up", "PUT drain e1", "restart e1", "DELETE drain e1", "settle"]
    assert world.now > 4
    assert world.drained == set()


def test_an_edge_that_the_operator_has_drained_stays_drained(world: World) -> None:
    world.drained = {"e1"}
    apply(world, replace(OLD, edges=(replace(OLD.edges[0], settings=SMALL), OLD.edges[1])))
    assert world.drained == {"e1"}


def test_an_edge_that_goes_stops_when_nobody_is_left(world: World) -> None:
    world.streams = [1, 1, 0, 0]
    apply(world, replace(OLD, edges=OLD.edges[:1]))
    assert world.log == ["hang_up", "stop e2", "settle"]


def test_viewers_who_never_leave_are_not_waited_for_without_end(world: World) -> None:
    world.streams = [1] * 1000
    apply(world, replace(OLD, edges=OLD.edges[:1]))
    assert 10 <= world.now < 15


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda world: world.broken.add("e3"), "e3 ended: port taken"),
        (lambda world: setattr(world, "refuses", True), "does not go by the new file"),
    ],
)
def test_what_fails_is_taken_back(
    world: World, break_it: Callable[[World], None], why: str
) -> None:
    break_it(world)
    with pytest.raises(FailedError, match=f"{why}.*; everything is as it was"):
        apply(world, ADDED)
    assert world.running.read_bytes() == OLD_TEXT
    assert world.names == {"e1", "e2", "r"}
    assert {world.read.get(name, OLD_TEXT) for name in world.names} == {OLD_TEXT}
    assert list(world.running.parent.iterdir()) == [world.running]


def test_a_restart_that_fails_is_taken_back_with_those_before_it(world: World) -> None:
    new = replace(OLD, edges=tuple(replace(each, settings=SMALL) for each in OLD.edges))
    seen = world.ask

    def ask(what: str, **more: Any) -> dict[str, Any]:
        is_second = what == "restart" and more["name"] == "e2"
        if is_second and world.running.read_bytes() == NEW_TEXT:
            raise FailedError("e2 does not come back")
        return seen(what, **more)

    world.ask = ask  # type: ignore[method-assign]
    with pytest.raises(FailedError, match="e2 does not come back"):
        apply(world, new)
    restarts = [each for each in world.log if each.startswith("restart")]
    assert restarts == ["restart e1", "restart e2", "restart e1"]
    assert (world.drained, world.running.read_bytes()) == (set(), OLD_TEXT)


def test_what_cannot_be_taken_back_is_said_and_the_rest_still_done(world: World) -> None:
    world.broken.add("e3")
    seen = world.ask

    def ask(what: str, **more: Any) -> dict[str, Any]:
        if what == "stop":
            raise FailedError("it does not stop")
        return seen(what, **more)

    world.ask = ask  # type: ignore[method-assign]
    with pytest.raises(NotTakenBackError, match="port taken; not taken back: start e3"):
        apply(world, ADDED)
    assert world.log[-1] == "settle"


def test_what_nothing_here_controls_is_left_to_people(world: World) -> None:
    new = replace(ADDED, edges=(replace(OLD.edges[0], settings=SMALL), edge("e3", 9005)))
    made = change(world, new, with_hands=False)
    world.read = dict.fromkeys(world.names, NEW_TEXT)
    made.apply(make_plan(OLD, new))
    assert made.by_hand == [
        "start edge e3",
        "restart edge e1 (settings.block_bytes)",
        "stop edge e2",
    ]
    assert world.running.read_bytes() == NEW_TEXT
