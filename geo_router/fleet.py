"""What the router believes about each edge, from what its probes saw.

A table of states with hysteresis both ways: one lost probe never takes an edge away, one lucky
probe never brings it back. Who probes, and when, is `probe`'s part; what follows from a state is
`choose`'s part. Pure: the present moment comes in as an argument.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


class State(enum.Enum):
    """What is true of an edge now."""

    UNKNOWN = "unknown"  # has not answered since we started
    UP = "up"
    SUSPECT = "suspect"  # failing, not yet often enough to be down: still served
    DOWN = "down"
    RECOVERING = "recovering"  # answering again, not yet often enough to be up
    DRAINING = "draining"  # says itself that it wants no new viewers


class Event(enum.Enum):
    """What one probe means, counted with the ones before it."""

    ANSWERED = "answered"
    ANSWERED_ENOUGH = "answered up_after times"
    FAILED = "failed"
    FAILED_ENOUGH = "failed down_after times"
    DRAINS = "drains"


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = {
    State.UNKNOWN: {
        # Hysteresis guards against flapping; what was never up cannot flap.
        Event.ANSWERED: State.UP,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.UNKNOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
    State.UP: {
        Event.ANSWERED: State.UP,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.SUSPECT,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
    State.SUSPECT: {
        Event.ANSWERED: State.UP,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.SUSPECT,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
    State.DOWN: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
    State.RECOVERING: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DOWN,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
    State.DRAINING: {
        Event.ANSWERED: State.RECOVERING,
        Event.ANSWERED_ENOUGH: State.UP,
        Event.FAILED: State.DRAINING,
        Event.FAILED_ENOUGH: State.DOWN,
        Event.DRAINS: State.DRAINING,
    },
}

SERVING: Final = frozenset({State.UP, State.SUSPECT})
"""States in which an edge takes new viewers."""

OVERLOADED_FROM: Final = 1.0
OVERLOADED_UNTIL: Final = 0.9


class Result(enum.Enum):
    """What one probe saw."""

    ANSWERED = "answered"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Observation:
    """One probe. `load` is the share of its capacity that the edge says is in use."""

    result: Result
    reason: str
    latency_seconds: float | None = None
    load: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many probes in a row change our mind."""

    down_after: int
    up_after: int


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
    overloaded: bool = False


def step(health: Health, seen: Observation, now: float, limits: Limits) -> Health:
    """The next belief about an edge."""
    successes = health.successes + 1 if seen.result is Result.ANSWERED else 0
    failures = health.failures + 1 if seen.result is Result.FAILED else 0
    if seen.result is Result.DRAINING:
        event = Event.DRAINS
    elif seen.result is Result.ANSWERED:
        enough = successes >= limits.up_after
        event = Event.ANSWERED_ENOUGH if enough else Event.ANSWERED
    else:
        event = Event.FAILED_ENOUGH if failures >= limits.down_after else Event.FAILED
    state = TRANSITIONS[health.state][event]
    changed = state is not health.state
    keeps_reason = not changed and seen.result is Result.ANSWERED
    return dataclasses.replace(
        health,
        state=state,
        reason=health.reason if keeps_reason else seen.reason,
        since=now if changed else health.since,
        successes=successes,
        failures=failures,
        probed_at=now,
        latency_seconds=seen.latency_seconds,
        load=seen.load,
        overloaded=_is_overloaded(health.overloaded, seen.load),
    )


def _is_overloaded(before: bool, load: float | None) -> bool:
    if load is None:
        return False
    return load >= (OVERLOADED_UNTIL if before else OVERLOADED_FROM)


class Fleet:
    """Beliefs about all edges. `version` changes whenever an answer could change with it."""

    def __init__(self, names: Iterable[str], limits: Limits, now: float) -> None:
        unpolled = Health(State.UNKNOWN, "not probed yet", now)
        self._limits = limits
        self._health = dict.fromkeys(names, unpolled)
        self._unpolled = set(self._health)
        self.version = 0

    @property
    def is_polled(self) -> bool:
        """Whether every edge we started with was probed once, whatever came of it."""
        return not self._unpolled

    def __getitem__(self, name: str) -> Health:
        return self._health[name]

    def __len__(self) -> int:
        return len(self._health)

    def items(self) -> Iterable[tuple[str, Health]]:
        """Every edge with what we believe of it."""
        return self._health.items()

    def observe(self, name: str, seen: Observation, now: float) -> bool:
        """Take in one probe; true when it changed what an answer may name."""
        before = self._health[name]
        after = self._health[name] = step(before, seen, now, self._limits)
        self._unpolled.discard(name)
        changed = (before.state, before.overloaded) != (after.state, after.overloaded)
        if changed:
            self.version += 1
        return changed
