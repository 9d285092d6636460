"""Positions and heartbeats: what counts as begun, as finished, and as newest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from origin.catalog.activity import Event, Kind, event_name

CREDITS_SHARE: Final = 0.95
"""Whoever has seen this much of a film has seen it: nobody resumes into the credits."""

BEGUN_SECONDS: Final = 5.0
"""Less than this is a look, and nothing to go on with."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Where a profile is in a title, the `counter`-th time it says so.

    `session` is the stream it watches, `region` its country; both may be empty.
    """

    account: str
    profile: str
    title_id: str
    counter: int
    position_seconds: float
    duration_seconds: float
    at: float
    session: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A heartbeat that moved its profile, and how much was watched since the one before."""

    heartbeat: Heartbeat
    watched_seconds: float


@dataclass(frozen=True, slots=True)
class Position:
    """Where a profile stopped in a title."""

    title_id: str
    counter: int
    position_seconds: float
    duration_seconds: float
    hidden: bool
    at: float


def is_finished(position: Position) -> bool:
    """Whether the film was seen to its credits; one of unknown length never was."""
    if position.duration_seconds <= 0:
        return False
    return position.position_seconds >= CREDITS_SHARE * position.duration_seconds


def can_go_on(position: Position) -> bool:
    """Whether it belongs into the row of films to go on with."""
    begun = position.position_seconds >= BEGUN_SECONDS
    return begun and not position.hidden and not is_finished(position)


def resume_seconds(position: Position | None) -> float:
    """Where a film begins: at the stop, or at its start when it was seen or never begun."""
    if position is None or is_finished(position) or position.position_seconds < BEGUN_SECONDS:
        return 0.0
    return position.position_seconds


def steps(
    heartbeats: Sequence[Heartbeat],
    positions: Mapping[tuple[str, str], Position],
    gap_seconds: float,
) -> list[Step]:
    """The heartbeats that count, in the order they came; `positions` are by profile and title.

    One that is not newer than all before it, by its counter, counts for nothing.
    """
    last: dict[tuple[str, str], Position | Heartbeat] = dict(positions)
    found = []
    for each in heartbeats:
        key = (each.profile, each.title_id)
        before = last.get(key)
        if before is None or each.counter > before.counter:
            found.append(Step(each, watched_seconds(before, each, gap_seconds)))
            last[key] = each
    return found


def watched_seconds(
    before: Position | Heartbeat | None, heartbeat: Heartbeat, gap_seconds: float
) -> float:
    """How much was watched between two heartbeats.

    As far as the film went on, but never more than the time that passed, so that a jump ahead is
    not taken for watching, and never more than `gap_seconds`: what is further apart are two visits.
    """
    if before is None:
        return 0.0
    progress = heartbeat.position_seconds - before.position_seconds
    return max(0.0, min(progress, heartbeat.at - before.at, gap_seconds))


def event_of(step: Step) -> Event:
    """A heartbeat as the log keeps it."""
    beat = step.heartbeat
    return Event(
        event=event_name(beat.profile, f"{beat.session}:{beat.counter}"),
        kind=Kind.HEARTBEAT,
        at=beat.at,
        account=beat.account,
        profile=beat.profile,
        title=beat.title_id,
        region=beat.region,
        position_seconds=beat.position_seconds,
        watched_seconds=step.watched_seconds,
    )
