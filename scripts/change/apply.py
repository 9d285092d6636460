"""Takes the steps of a plan one after the other, watches each, and takes them back when one fails.

What is controlled: processes of a `cinedge up` on this machine are started, stopped and restarted.
All others are drained through their admin addresses and take the file over by themselves where
they watch it; what has to be done to them by hand is said (`by_hand`) and not waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from config.node_file import digest_of
from config.topology import EdgeNode, Node, Topology
from scripts.change.history import write_whole
from scripts.change.looking import Looks
from scripts.change.plan import Deed, Plan, Step, Tier, nodes_of
from scripts.cli.errors import FailedError

_LOOK_SECONDS: Final = 0.2


class NotTakenBackError(FailedError):
    """A change failed, and so did some of taking it back: somebody has to look."""


class Ordered(Protocol):
    """Whoever starts and stops processes (`scripts.change.control.Hands`)."""

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """One order. Raises FailedError."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each thing may take."""

    ready_seconds: float = 60.0
    routed_seconds: float = 30.0
    drain_seconds: float = 60.0
    warm_seconds: float = 3600.0


@dataclass(slots=True)
class Change:
    """One change of the file `running` from `old` to `new`."""

    running: Path
    old: Topology
    new: Topology
    old_content: bytes
    new_content: bytes
    looks: Looks
    hands: Ordered | None
    say: Callable[[str], None]
    patience: Patience = field(default_factory=Patience)
    warmed: tuple[str, ...] = ()
    by_hand: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """What could not be taken back."""
    drained: set[str] = field(default_factory=set)
    """Edges that this change keeps viewers away from, and the operator does not."""
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def apply(self, plan: Plan) -> None:
        """Take all steps. Raises FailedError, after everything was taken back."""
        taken: list[Step] = []
        try:
            for step in plan.steps:
                self.say(f"{step.deed.value} {step.name or 'everywhere'}: {step.why}")
                taken.append(step)
                self._take(step)
            if self.hands is not None:
                self.hands.ask("settle")
        except (FailedError, KeyboardInterrupt) as error:
            why = str(error) or "interrupted"
            self.say(f"That failed: {why}")
            self._take_back(taken)
            if self.stuck:
                raise NotTakenBackError(
                    f"{why}; not taken back: {', '.join(self.stuck)}"
                ) from error
            raise FailedError(f"{why}; everything is as it was") from error
        finally:
            self._staged().unlink(missing_ok=True)

    def _take(self, step: Step) -> None:
        match step.deed:
            case Deed.START:
                self._start(step, self.new, self._stage())
            case Deed.WARM:
                self._warm(step)
            case Deed.TAKE_OVER:
                self._put(self.new_content, self.new)
                self._await_routed(self._added_edges())
            case Deed.RESTART:
                self._restart(step, self.new)
            case Deed.STOP:
                self._stop(step)

    def _take_back(self, taken: list[Step]) -> None:
        """The file first, so that nobody is sent to what is going to end."""
        if any(step.deed is Deed.TAKE_OVER for step in taken):
            self.say("The file is put back.")
            self._try("the file", lambda: self._put(self.old_content, self.old))
        for step in reversed(taken):
            self.say(f"Taking back: {step.deed.value} {step.name or 'everywhere'}")
            self._try(f"{step.deed.value} {step.name}", partial(self._undo, step))
        if self.hands is not None:
            self._try("the end of trials", lambda: self._ask("settle"))

    def _undo(self, step: Step) -> None:
        if step.deed is Deed.START and self.hands is not None:
            self._order("stop", step)
        elif step.deed is Deed.RESTART:
            self._restart(step, self.old)
        elif step.deed is Deed.STOP:
            self._start(step, self.old, None)

    def _try(self, what: str, act: Callable[[], object]) -> None:
        """What fails while a failure is taken back is said, and the rest still done."""
        try:
            act()
        except FailedError as error:
            self.say(f"Could not be taken back: {error}")
            self.stuck.append(what)

    def _start(self, step: Step, topology: Topology, file: str | None) -> None:
        node = self._node(step, topology)
        if self.hands is None:
            self._leave_to_people(step, f"start {step.tier} {step.name}")
            return
        self.hands.ask("start", tier=step.tier, name=step.name, file=file)
        self._await_ready(node, digest_of(self._content_of(topology)))

    def _warm(self, step: Step) -> None:
        if not self.new.origins:
            raise FailedError("there is no origin that could order an edge to warm up")
        looks = self.looks
        where = looks.warm(self.new.origins[0].url, step.name, self.warmed)
        self._await(
            lambda: looks.order_state(where) in ("done", "failed"),
            self.patience.warm_seconds,
            f"{step.name} is still not warm",
        )
        if looks.order_state(where) == "failed":
            raise FailedError(f"{step.name} could not be warmed: see {where}")

    def _put(self, content: bytes, topology: Topology) -> None:
        """Put a file in place and see that all who were there before and will be take it over."""
        write_whole(self.running, content)
        if self.hands is not None:
            self.hands.ask("hang_up")
        digest = digest_of(content)
        for tier, name in _in_both(self.old, self.new):
            node = nodes_of(self.old, tier)[name]
            if not self._await_digest(node, digest):
                what = f"{tier} {name} does not go by the new file"
                if self.hands is not None:
                    raise FailedError(f"{what}: its log says why")
                self._leave_to_people(Step(Deed.TAKE_OVER, tier, name, ""), f"reload {tier} {name}")

    def _restart(self, step: Step, topology: Topology) -> None:
        node = self._node(step, topology)
        if self.hands is None:
            self._leave_to_people(step, f"restart {step.tier} {step.name} ({step.why})")
            return
        before = self._node(step, self.old if topology is self.new else self.new)
        self._drain(before)
        self._order("restart", step)
        self._await_ready(node, digest_of(self._content_of(topology)), may_drain=True)
        if isinstance(node, EdgeNode):
            self._undrain(node)

    def _stop(self, step: Step) -> None:
        if self.hands is None:
            self._leave_to_people(step, f"stop {step.tier} {step.name}")
            return
        node = self._node(step, self.old)
        if isinstance(node, EdgeNode) and node.admin is not None:
            self._await_quiet(node)
        self._order("stop", step)

    def _undrain(self, edge: EdgeNode) -> None:
        """Let viewers come again, unless the operator keeps them away."""
        if edge.name in self.drained:
            self.looks.drain(edge, "DELETE")
            self.drained.discard(edge.name)
        elif edge.admin is not None and self.looks.drain(edge)["draining"]:
            return
        self._await_routed([edge])

    def _drain(self, node: Node) -> None:
        """Keep viewers away and wait for those who are there."""
        if not isinstance(node, EdgeNode) or node.admin is None:
            return
        try:
            if not self.looks.drain(node)["draining"]:
                self.drained.add(node.name)
                self.looks.drain(node, "PUT")
        except FailedError:
            return  # it does not run: there is nobody to wait for
        self._await(
            lambda: not any(self._routed(node)),
            self.patience.routed_seconds,
            f"routers still send viewers to {node.name}",
        )
        self._await_quiet(node)

    def _await_quiet(self, edge: EdgeNode) -> None:
        """Two looks in a row without an answer under way, or the end of patience."""
        quiet = 0
        until = self.clock() + self.patience.drain_seconds
        while quiet < 2 and self.clock() < until:
            streams = self.looks.drain(edge).get("streams", 0)
            quiet = 0 if streams else quiet + 1
            # The edge counts once a second: an earlier look would see the same.
            self.pause(1.1)

    def _await_ready(self, node: Node, digest: str, may_drain: bool = False) -> None:
        def is_ready() -> bool:
            ended = self.hands.ask("list")["ended"] if self.hands is not None else {}
            if node.name in ended:
                raise FailedError(f"{node.name} {ended[node.name]}")
            ready, body = self.looks.readiness(node)
            drained = may_drain and body.get("status") == "draining"
            return (ready or drained) and body.get("topology") == digest

        self._await(is_ready, self.patience.ready_seconds, f"{node.name} is not ready")

    def _await_digest(self, node: Node, digest: str) -> bool:
        until = self.clock() + self.patience.routed_seconds
        while self.looks.readiness(node)[1].get("topology") != digest:
            if self.clock() >= until:
                return False
            self.pause(_LOOK_SECONDS)
        return True

    def _await_routed(self, edges: list[EdgeNode]) -> None:
        for edge in edges:
            self._await(
                partial(self._is_routed, edge),
                self.patience.routed_seconds,
                f"routers do not send viewers to {edge.name}",
            )

    def _is_routed(self, edge: EdgeNode) -> bool:
        return all(self._routed(edge))

    def _routed(self, edge: EdgeNode) -> Iterator[bool]:
        """Of each router that answers: does it send viewers there?"""
        if edge.role == "shield":
            return
        for router in self.new.routers:
            takes = self.looks.takes_viewers(router, edge.name)
            if takes is not None:
                yield takes

    def _await(self, claim: Callable[[], bool], seconds: float, otherwise: str) -> None:
        until = self.clock() + seconds
        while not claim():
            if self.clock() >= until:
                raise FailedError(f"{otherwise} after {seconds:g} s")
            self.pause(_LOOK_SECONDS)

    def _added_edges(self) -> list[EdgeNode]:
        known = nodes_of(self.old, Tier.EDGE)
        added = [edge for edge in self.new.open_edges() if edge.name not in known]
        return added if self.hands is not None else []

    def _order(self, what: str, step: Step) -> None:
        self._ask(what, tier=step.tier, name=step.name)

    def _ask(self, what: str, **more: Any) -> None:
        assert self.hands is not None
        self.hands.ask(what, **more)

    def _leave_to_people(self, step: Step, what: str) -> None:
        if what not in self.by_hand:
            self.by_hand.append(what)

    def _node(self, step: Step, topology: Topology) -> Node:
        assert step.tier is not None
        return nodes_of(topology, step.tier)[step.name]

    def _content_of(self, topology: Topology) -> bytes:
        return self.new_content if topology is self.new else self.old_content

    def _staged(self) -> Path:
        return self.running.with_name(f".{self.running.stem}.next.yaml")

    def _stage(self) -> str:
        """The new file beside the one it will replace, for processes that begin with it."""
        write_whole(self._staged(), self.new_content)
        return str(self._staged())


def _in_both(old: Topology, new: Topology) -> Iterator[tuple[Tier, str]]:
    for tier in Tier:
        after = nodes_of(new, tier)
        yield from ((tier, name) for name in nodes_of(old, tier) if name in after)
