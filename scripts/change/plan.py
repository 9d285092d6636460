"""What happens when one topology takes the place of another, before anything happens.

Pure: two topologies in, a plan out. Who starts, stops, moves or restarts; what running processes
take over as it stands; how much of the keys changes hands; and the steps in the order in which
`scripts.change.apply` takes them: what is new runs before anybody is sent there, what goes is
stopped after nobody is. How a step is done is not known here.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from config.changes import Change, changes_between, changes_of
from config.declare import RELOAD, RESTART
from config.topology import Node, Topology
from scripts.change.shares import Share, share_moved, shares_of


class Tier(enum.StrEnum):
    """What a process is; the words of the command line."""

    ORIGIN = "origin"
    EDGE = "edge"
    ROUTER = "router"


class Deed(enum.StrEnum):
    """What is done in one step."""

    START = "start"
    WARM = "warm"
    TAKE_OVER = "take over"
    RESTART = "restart"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `tier` and `name` are empty where it is for all processes."""

    deed: Deed
    tier: Tier | None
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Movement:
    """Keys that change hands among nodes that share: the edges of a site, the volumes of an origin.

    `among` names the group. `size_bytes` is what the moved share comes to, None when not known.
    """

    among: str
    shares: tuple[Share, ...]
    moved: float
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will happen."""

    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    moved_edges: tuple[tuple[str, str, str], ...]
    """Name, site before, site after."""
    movements: tuple[Movement, ...]
    rotated_keys: tuple[str, ...]
    """What happens to keys of tokens, a sentence each."""
    warnings: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing differs."""
        return not self.changes


_BEFORE_OTHERS: Final = (Tier.EDGE, Tier.ORIGIN, Tier.ROUTER)
"""Whoever holds up the fewest goes first."""


def make_plan(
    old: Topology,
    new: Topology,
    stored_bytes: int | None = None,
    warmed: tuple[str, ...] = (),
) -> Plan:
    """The plan from `old` to `new`.

    `stored_bytes` is what each origin holds, where it is known; `warmed` are keys that edges are to
    have before viewers come.
    """
    changes = tuple(changes_between(old, new))
    steps = tuple(_steps(old, new, changes, warmed))
    return Plan(
        changes,
        steps,
        tuple(_moved_edges(old, new)),
        tuple(_movements(old, new, stored_bytes)),
        tuple(_rotated_keys(old, new)),
        tuple(_warnings(old, new, steps)),
    )


def nodes_of(topology: Topology, tier: Tier) -> Mapping[str, Node]:
    """The processes of a tier by name."""
    groups: dict[Tier, tuple[Node, ...]] = {
        Tier.ORIGIN: topology.origins,
        Tier.EDGE: topology.edges,
        Tier.ROUTER: topology.routers,
    }
    return {node.name: node for node in groups[tier]}


def reasons_to_restart(before: Node, after: Node) -> list[str]:
    """The settings of a process that differ and that it cannot take over, by path."""
    return [each.path for each in changes_of(before, after) if each.applies == RESTART]


def _steps(
    old: Topology, new: Topology, changes: tuple[Change, ...], warmed: tuple[str, ...]
) -> Iterator[Step]:
    if not changes:
        return
    added = [
        (tier, name)
        for tier in (Tier.ORIGIN, Tier.EDGE, Tier.ROUTER)
        for name in nodes_of(new, tier).keys() - nodes_of(old, tier).keys()
    ]
    added.sort()
    for tier, name in added:
        yield Step(Deed.START, tier, name, "is new")
    for tier, name in added:
        if tier is Tier.EDGE and warmed:
            yield Step(Deed.WARM, tier, name, ", ".join(warmed))
    reloads = sum(change.applies == RELOAD for change in changes)
    yield Step(Deed.TAKE_OVER, None, "", f"routers know of it; {reloads} settings change in place")
    yield from _restarts(old, new, changes)
    for tier in _BEFORE_OTHERS:
        for name in sorted(nodes_of(old, tier).keys() - nodes_of(new, tier).keys()):
            yield Step(Deed.STOP, tier, name, "is not in the file any more")


def _restarts(old: Topology, new: Topology, changes: tuple[Change, ...]) -> Iterator[Step]:
    everywhere = {
        Tier.ORIGIN: _paths_within(changes, "service"),
        Tier.EDGE: [],
        Tier.ROUTER: _paths_within(changes, "dns."),
    }
    for tier in _BEFORE_OTHERS:
        before = nodes_of(old, tier)
        for name, node in nodes_of(new, tier).items():
            if name in before:
                reasons = reasons_to_restart(before[name], node) + everywhere[tier]
                if reasons:
                    yield Step(Deed.RESTART, tier, name, ", ".join(reasons))


def _paths_within(changes: tuple[Change, ...], prefix: str) -> list[str]:
    return [
        change.path
        for change in changes
        if change.applies == RESTART and change.path.startswith(prefix)
    ]


def _moved_edges(old: Topology, new: Topology) -> Iterator[tuple[str, str, str]]:
    before = {edge.name: edge.site for edge in old.edges}
    for edge in new.edges:
        if before.get(edge.name, edge.site) != edge.site:
            yield edge.name, before[edge.name], edge.site


def _movements(old: Topology, new: Topology, stored_bytes: int | None) -> Iterator[Movement]:
    sites = dict.fromkeys(edge.site for edge in (*old.open_edges(), *new.open_edges()))
    for site in sites:
        weights = [
            {edge.name: edge.weight for edge in topology.open_edges() if edge.site == site}
            for topology in (old, new)
        ]
        room = sum(
            disk.size_bytes for edge in new.open_edges() if edge.site == site for disk in edge.disks
        )
        yield from _movement(f"edges of site {site}", weights[0], weights[1], room)
    before = {origin.name: origin for origin in old.origins}
    for origin in new.origins:
        if origin.name in before:
            volumes = [
                {volume.name: volume.weight for volume in each.volumes}
                for each in (before[origin.name], origin)
            ]
            yield from _movement(f"volumes of {origin.name}", volumes[0], volumes[1], stored_bytes)


def _movement(
    among: str, before: Mapping[str, float], after: Mapping[str, float], size_bytes: int | None
) -> Iterator[Movement]:
    if before == after or not any(before.values()) or not any(after.values()):
        return
    shares = shares_of(before, after)
    moved = share_moved(shares)
    if moved > 0:
        size = None if size_bytes is None else round(moved * size_bytes)
        yield Movement(among, tuple(shares), moved, size)


def _rotated_keys(old: Topology, new: Topology) -> Iterator[str]:
    before = {key.id: key for key in old.token_keys}
    after = {key.id: key for key in new.token_keys}
    for each in before.keys() - after.keys():
        yield f"{each} goes: tokens signed with it are refused from now on"
    for name, key in after.items():
        if name not in before:
            yield f"{name} is new"
        elif (before[name].secret, before[name].public_key) != (key.secret, key.public_key):
            yield f"{name} is another key of the same name: tokens signed before are refused"
    signs = [next((k.id for k in t.token_keys if k.dialect == "native"), "") for t in (old, new)]
    if signs[0] != signs[1] and signs[1]:
        yield f"{signs[1]} signs from now on" + (f" in place of {signs[0]}" if signs[0] else "")


def _warnings(old: Topology, new: Topology, steps: tuple[Step, ...]) -> Iterator[str]:
    edges = {edge.name: edge for edge in (*old.edges, *new.edges)}
    restarting = {s.name for s in steps if s.deed is Deed.RESTART and s.tier is Tier.EDGE}
    for step in steps:
        if step.deed in (Deed.RESTART, Deed.STOP) and step.tier is Tier.EDGE:
            if edges[step.name].admin is None:
                yield f"{step.name} has no admin address: it cannot be drained before it stops"
        elif step.deed is Deed.RESTART and len(nodes_of(new, step.tier or Tier.EDGE)) == 1:
            yield f"{step.name} is the only {step.tier}: while it restarts, nothing answers for it"
    yield from _sites_that_go_dark(old, new, restarting)
    before = {edge.name: edge.settings.block_bytes for edge in old.edges}
    for edge in new.edges:
        if before.get(edge.name, edge.settings.block_bytes) != edge.settings.block_bytes:
            yield (
                f"{edge.name} changes its block size from {before[edge.name]} to "
                f"{edge.settings.block_bytes} bytes: what it holds stays good in the old size"
            )


def _sites_that_go_dark(old: Topology, new: Topology, restarting: set[str]) -> Iterator[str]:
    """Routers take the new address over before the edge has it: somebody has to stay."""
    before = {edge.name: edge.url for edge in old.edges}
    kept = [edge for edge in new.open_edges() if edge.name in before]
    if kept and all(e.name in restarting and e.url != before[e.name] for e in kept):
        yield (
            "every edge gets another address at once: until the first answers there, viewers find "
            "none; change them in two goes"
        )
