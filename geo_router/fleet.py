"""What the router believes about each edge, from what its probes saw.

A table of states with hysteresis both ways: one lost probe never takes an edge away, one lucky
probe never brings it back, and where other routers look too, enough of them must agree. An edge
that refuses is down; one that only does not answer in time is slow, which may as well be our own
trouble. Who probes, and when, is `probe`'s part; what follows from a state is `choose`'s part.
Pure: the present moment comes in as an argument.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from geo_router.agreement import ALONE, Opinion


class State(enum.Enum):
    """What is true of an edge now."""

    UNKNOWN = "unknown"  # has not answered since we started
    UP = "up"
    SUSPECT = "suspect"  # failing, not yet often enough to be down: still served
    DOWN = "down"  # refuses, or answers wrongly
    SLOW = "slow"  # does not answer in time: dead or overloaded, nobody can tell
    RECOVERING = "recovering"  # answering again, not yet often enough to be up
    DRAINING = "draining"  # says itself that it wants no new viewers


class Event(enum.Enum):
    """What one probe means, counted with the ones before it."""

    ANSWERED = "answered"
    ANSWERED_ENOUGH = "answered up_after times"
    FAILED = "failed"
    FAILED_ENOUGH = "failed down_after times"
    TIMED_OUT = "timed out"
    TIMED_OUT_ENOUGH = "failed down_after times, now by timing out"
    DRAINS = "drains"


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.UNKNOWN: {
        # Hysteresis guards against flapping; what was never up cannot flap.
        Event.ANSWERED: State.UP,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.UNKNOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.SLOW,
        Event.TIMED_OUT_ENOUGH: State.SLOW,
        Event.DRAINS: State.DRAINING,
    },
    State.UP: {
        Event.ANSWERED: State.UP,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.SUSPECT,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.SUSPECT,
        Event.TIMED_OUT_ENOUGH: State.SLOW,
        Event.DRAINS: State.DRAINING,
    },
    State.SUSPECT: {
        Event.ANSWERED: State.UP,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.SUSPECT,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.SUSPECT,
        Event.TIMED_OUT_ENOUGH: State.SLOW,
        Event.DRAINS: State.DRAINING,
    },
    State.DOWN: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.DOWN,
        Event.TIMED_OUT_ENOUGH: State.SLOW,
        Event.DRAINS: State.DRAINING,
    },
    State.SLOW: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.SLOW,
        Event.TIMED_OUT_ENOUGH: State.SLOW,
        Event.DRAINS: State.DRAINING,
    },
    State.RECOVERING: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.SLOW,
        Event.TIMED_OUT_ENOUGH: State.SLOW,
        Event.DRAINS: State.DRAINING,
    },
    State.DRAINING: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DRAINING,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.TIMED_OUT: State.DRAINING,
        Event.TIMED_OUT_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
}

SERVING: Final = frozenset({State.UP, State.SUSPECT})
"""States in which an edge takes new viewers."""

_FAILED_STATES: Final = frozenset({State.DOWN, State.SLOW})
_ENOUGH: Final = {
    Event.FAILED: Event.FAILED_ENOUGH,
    Event.TIMED_OUT: Event.TIMED_OUT_ENOUGH,
}

OVERLOADED_FROM: Final = 1.0
OVERLOADED_UNTIL: Final = 0.9
FAILING_FROM: Final = 0.5
FAILING_UNTIL: Final = 0.25
"""Share of its answers that an edge itself calls failures: from here on others come first. They may
fail, too (a dead origin), so it is a lesser choice and not none."""


class Result(enum.Enum):
    """What one probe saw."""

    ANSWERED = "answered"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Observation:
    """One probe. `load` is the share of its capacity that the edge says is in use, `failing` the
    share of its answers that it says were errors of its own or of what is behind it."""

    result: Result
    reason: str
    latency_seconds: float | None = None
    load: float | None = None
    failing: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """All that it told; for showing, nothing is decided by it."""


_FAILURES: Final = frozenset({Result.FAILED, Result.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class Limits:
    """How many probes in a row, and how many observers, change our mind."""

    down_after: int
    up_after: int
    agree: int = 1
    hold_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """One edge: its state, why, since when, and what the last probe said."""

    state: State
    reason: str
    since: float
    successes: int = 0
    failures: int = 0
    probed_at: float | None = None
    latency_seconds: float | None = None
    load: float | None = None
    failing: float | None = None
    overloaded: bool = False
    """By its load or by its failures: it comes after those that are not."""
    out_since: float | None = None
    """When it stopped being served because it failed; None while it is served."""
    warming_since: float | None = None
    """When it began to be served (again); None for what was up when we started."""


def step(
    health: Health,
    seen: Observation,
    now: float,
    limits: Limits,
    others: Opinion = ALONE,
    *,
    warm: bool = True,
) -> Health:
    """The next belief about an edge. `warm`: an edge first seen now may hold its films already."""
    failed = seen.result in _FAILURES
    failures = health.failures + 1 if failed else 0
    fails_here = failures >= limits.down_after
    needed = min(limits.agree, others.observers + 1)
    outvoted = not fails_here and others.failing >= needed > 0 and others.failing > 0
    answered = seen.result is Result.ANSWERED and not outvoted
    successes = health.successes + 1 if answered else 0
    event = _event(seen.result, successes, limits, health, now)
    reason = seen.reason
    if outvoted and seen.result is Result.ANSWERED:
        event = Event.FAILED_ENOUGH
        reason = f"{others.failing} of {others.observers} other routers cannot reach it"
    elif failed and (outvoted or (fails_here and others.failing + 1 >= needed)):
        event = _ENOUGH[event]
    elif fails_here:
        reason = f"{reason}; {others.observers - others.failing} other routers reach it"
    state = TRANSITIONS[health.state][event]
    changed = state is not health.state
    keeps_reason = not changed and answered
    return dataclasses.replace(
        health,
        state=state,
        reason=health.reason if keeps_reason else reason,
        since=now if changed else health.since,
        successes=successes,
        failures=failures,
        probed_at=now,
        latency_seconds=seen.latency_seconds,
        load=seen.load,
        failing=seen.failing,
        overloaded=_is_overloaded(health.overloaded, seen),
        out_since=_out_since(health, state, now),
        warming_since=_warming_since(health, state, now, warm),
    )


def _event(result: Result, successes: int, limits: Limits, health: Health, now: float) -> Event:
    if result is Result.DRAINING:
        return Event.DRAINS
    if result is Result.ANSWERED:
        held = health.out_since is not None and now - health.out_since < limits.hold_seconds
        enough = successes >= limits.up_after and not held
        return Event.ANSWERED_ENOUGH if enough else Event.ANSWERED
    return Event.TIMED_OUT if result is Result.TIMED_OUT else Event.FAILED


def _out_since(health: Health, state: State, now: float) -> float | None:
    if state in SERVING:
        return None
    if health.out_since is None and state in _FAILED_STATES:
        return now
    return health.out_since


def _warming_since(health: Health, state: State, now: float, warm: bool) -> float | None:
    if state in SERVING and health.state not in SERVING:
        return None if health.state is State.UNKNOWN and warm else now
    return health.warming_since


def _is_overloaded(before: bool, seen: Observation) -> bool:
    load, failing = seen.load or 0.0, seen.failing or 0.0
    if before:
        return load >= OVERLOADED_UNTIL or failing >= FAILING_UNTIL
    return load >= OVERLOADED_FROM or failing >= FAILING_FROM


class Fleet:
    """Beliefs about all edges. `version` changes whenever an answer could change with it."""

    def __init__(
        self,
        names: Iterable[str],
        limits: Limits,
        now: float,
        opinion: Callable[[str, float], Opinion] = lambda name, now: ALONE,
        *,
        before: Fleet | None = None,
        kept: Collection[str] = (),
    ) -> None:
        """`opinion` says what other routers think of an edge at a moment. `before` is the fleet
        that this one takes the place of; what it believed of the edges in `kept` stays."""
        unpolled = Health(State.UNKNOWN, "not probed yet", now)
        self._limits = limits
        self._opinion = opinion
        self._health = dict.fromkeys(names, unpolled)
        self._unpolled = set(self._health)
        self._failing: dict[str, Observation] = {}
        self.version = 0
        self.changed_at = now
        self.warmed_at: float | None = None
        """When an edge last began to be served again."""
        self._grew = False
        if before is not None:
            self._inherit(before, [name for name in kept if name in self._health])

    def _inherit(self, before: Fleet, kept: Iterable[str]) -> None:
        for name in kept:
            if name in before:
                self._health[name] = before[name]
                if name not in before.unpolled:
                    self._unpolled.discard(name)
                if name in before._failing:
                    self._failing[name] = before._failing[name]
        # What comes later is not worth refusing everybody for until it was looked at.
        self._grew = before.is_polled
        self.version = before.version + 1
        self.warmed_at = before.warmed_at

    @property
    def is_polled(self) -> bool:
        """Whether every edge we started with was probed once, whatever came of it."""
        return self._grew or not self._unpolled

    @property
    def failing(self) -> Mapping[str, str]:
        """Edges that we ourselves fail to reach, with the reason: our vote among observers."""
        return {name: seen.reason for name, seen in self._failing.items()}

    @property
    def is_in_doubt(self) -> bool:
        """Whether we fail to reach an edge that is still served, because others reach it."""
        return any(self._health[name].state in SERVING for name in self._failing)

    @property
    def unpolled(self) -> Collection[str]:
        """Edges we cannot say anything about yet."""
        return self._unpolled

    def __contains__(self, name: str) -> bool:
        return name in self._health

    def __getitem__(self, name: str) -> Health:
        return self._health[name]

    def names(self) -> Collection[str]:
        """The names of all edges."""
        return self._health.keys()

    def __len__(self) -> int:
        return len(self._health)

    def items(self) -> Iterable[tuple[str, Health]]:
        """Every edge with what we believe of it."""
        return self._health.items()

    def observe(self, name: str, seen: Observation, now: float) -> bool:
        """Take in one probe; true when it changed what an answer may name."""
        if self._health[name].failures + 1 >= self._limits.down_after and seen.result in _FAILURES:
            self._failing[name] = seen
        else:
            self._failing.pop(name, None)
        before = self._health[name]
        warm = not self.is_polled
        self._unpolled.discard(name)
        return self._take_in(name, before, before, seen, now, warm=warm)

    def reconsider(self, now: float) -> list[str]:
        """Judge edges in doubt again, because others have spoken; the names that changed."""
        changed = []
        for name, seen in tuple(self._failing.items()):
            before = self._health[name]
            if before.state in SERVING:
                counted = dataclasses.replace(before, failures=before.failures - 1)
                if self._take_in(name, before, counted, seen, now, warm=False):
                    changed.append(name)
        return changed

    def _take_in(
        self, name: str, before: Health, base: Health, seen: Observation, now: float, *, warm: bool
    ) -> bool:
        after = step(base, seen, now, self._limits, self._opinion(name, now), warm=warm)
        self._health[name] = after
        if after.warming_since != before.warming_since:
            self.warmed_at = after.warming_since
        changed = (before.state, before.overloaded) != (after.state, after.overloaded)
        if changed:
            self.version += 1
            self.changed_at = now
        return changed
