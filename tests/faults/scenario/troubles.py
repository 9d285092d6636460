"""What was broken when: which failures that excuses, and who could not have known better. Pure.

A trouble has a place: a process, a link, or a part of one: `LINK#feed`, `PROCESS#disk`,
`PROCESS#clock`. A disk that is full excuses refused uploads and nothing else; an edge whose cache
cannot be written, a disk that is slow, and a wall clock that jumps, excuse nothing. Times are
seconds of one clock; a trouble that lasts ends at infinity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from tests.faults.scenario.plan import (
    DATABASE,
    EDGES,
    EXTERNAL,
    OBJECTS,
    ORIGIN,
    ORIGINS,
    ROUTER,
    WORLD,
    Fault,
    Kind,
)

FEED_DEAF_SECONDS: Final = 36.0
"""A connection that nobody answers on is given up by a follower after 25 + 10 s."""
LINGERING: Final = frozenset({Kind.STOP, Kind.DELAY, Kind.BANDWIDTH, Kind.STALL, Kind.HALF_OPEN})
"""Who asks waits before it knows that something is wrong, or never does."""
_PARTS: Final[Mapping[Kind, str]] = {
    Kind.FEED_CUT: "#feed",
    Kind.DISK_FULL: "#disk",
    Kind.DISK_BROKEN: "#disk",
    Kind.DISK_SLOW: "#slow",
    Kind.CLOCK: "#clock",
}


@dataclass(slots=True)
class Trouble:
    """Broken in [began, ended)."""

    fault: Fault
    began: float
    ended: float = math.inf

    @property
    def place(self) -> str:
        """Where it is."""
        return self.fault.target + _PARTS.get(self.fault.kind, "")


class Troubles:
    """All there were."""

    def __init__(self) -> None:
        self.all: list[Trouble] = []

    def begin(self, fault: Fault, now: float) -> Trouble:
        """Something breaks."""
        trouble = Trouble(fault, now)
        self.all.append(trouble)
        return trouble

    def excuse(
        self,
        places: Set[str],
        start: float,
        stop: float,
        recover_seconds: float,
        kinds: Set[Kind] = frozenset(Kind),
    ) -> bool:
        """Whether something a request in [start, stop] needs was broken, or barely mended."""
        return any(
            trouble.place in places
            and trouble.fault.kind in kinds
            and trouble.began <= stop
            and start < trouble.ended + recover_seconds
            for trouble in self.all
        )

    def had_peace(self, places: Set[str], start: float, stop: float, seconds: float) -> bool:
        """Whether none of the places was in trouble for so long at a time within [start, stop]."""
        quiet_since = start
        for began, ended in sorted(self._deaf_times(places)):
            if ended <= quiet_since:
                continue
            if min(began, stop) - quiet_since > seconds:
                return True
            quiet_since = max(quiet_since, ended)
        return stop - quiet_since > seconds

    def is_deaf(self, edge: str, now: float) -> bool:
        """Whether an edge may still wait for news on a connection that nobody answers on."""
        return any(
            began <= now < ended
            for began, ended in self._deaf_times(frozenset(f"{edge}>{each}" for each in ORIGINS))
        )

    def dead_since(self, process: str, now: float) -> float | None:
        """Since when a process is dead, None when it is not."""
        for trouble in self.all:
            is_death = trouble.fault.kind is Kind.KILL and trouble.fault.target == process
            if is_death and trouble.began <= now < trouble.ended:
                return trouble.began
        return None

    def _deaf_times(self, places: Set[str]) -> list[tuple[float, float]]:
        times = []
        for trouble in self.all:
            if trouble.place in places:
                ended = trouble.ended
                if trouble.fault.kind is Kind.HALF_OPEN:
                    ended = max(ended, trouble.began + FEED_DEAF_SECONDS)
                times.append((trouble.began, ended))
        return times


def uploads_at(origin: str) -> str:
    """What is asked for at an origin when something is to be kept."""
    return f"{origin}#uploads"


def hears_by(edge: str, origins: Sequence[str] = (ORIGIN,)) -> frozenset[str]:
    """What has to work for an edge to learn what changed.

    Not the change feed: an edge that notices its loss asks before it answers. An edge that follows
    two origins may ask either.
    """
    return frozenset({edge, *origins, *(f"{edge}>{origin}" for origin in origins)})


def knows_by(origin: str) -> frozenset[str]:
    """What has to work for an origin to learn what another has committed."""
    return frozenset({origin, f"{origin}>{DATABASE}"})


def serves_by(server: str, *, peers: bool) -> frozenset[str]:
    """What has to work for a server to answer somebody from outside, besides the origins."""
    own = {server, f"{WORLD}>{server}"}
    origin, _, part = server.partition("#")
    if part:
        kept_in = {f"{origin}#disk", f"{origin}>{DATABASE}", f"{origin}>{OBJECTS}"}
        return frozenset({origin, f"{WORLD}>{origin}", *kept_in})
    if server in ORIGINS:
        # Not the database: reads never wait for it.
        return frozenset({*own, f"{server}>{OBJECTS}"})
    if server == ROUTER:
        return frozenset({*own, *EDGES, *(f"{WORLD}>{edge}" for edge in EDGES)})
    above = {f"{server}>{EXTERNAL}"}
    if peers:
        above |= {*EDGES, *(f"{server}>{edge}" for edge in EDGES)}
        above |= {f"{edge}>{EXTERNAL}" for edge in EDGES}
    return frozenset(own | above)


def fetches_by(server: str, origin: str, *, peers: bool) -> frozenset[str]:
    """What has to work for an edge to fetch from an origin; nothing for other servers."""
    if server not in EDGES:
        return frozenset()
    askers = EDGES if peers else (server,)
    return frozenset({origin, f"{origin}>{OBJECTS}", *(f"{each}>{origin}" for each in askers)})
