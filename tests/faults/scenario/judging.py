"""What an answer has to be, given the observer's book and what was broken. Pure.

An answer that came whole has the right bytes of exactly one version that was current at some
moment of the request; one that did not come, or says that it cannot, needs an excuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from origin.catalog.follow import LOOK_SECONDS
from tests.faults.scenario.ledger import Film, Ledger, Version
from tests.faults.scenario.plan import ORIGIN, ROUTER, Expectations
from tests.faults.scenario.troubles import (
    LINGERING,
    Troubles,
    fetches_by,
    hears_by,
    knows_by,
    serves_by,
)

_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_UNSATISFIED: Final = re.compile(r"bytes \*/(\d+)")


@dataclass(frozen=True, slots=True)
class Read:
    """One request for a film. `stop` None: to the end; `start` None: without a range.

    `status` 0: no whole answer came; `said` is then what happened.
    """

    server: str
    path: str
    asked_at: float
    answered_at: float
    status: int
    start: int | None = None
    stop: int | None = None
    if_range: str = ""
    fields: Mapping[str, str] | None = None
    body: bytes = b""
    said: str = ""

    @property
    def etag(self) -> str:
        """The entity tag told; empty without one."""
        return (self.fields or {}).get("etag", "")


@dataclass(slots=True)
class Judge:
    """Says what is wrong with an answer, or nothing. `slack_seconds`: how late we are ourselves."""

    ledger: Ledger
    troubles: Troubles
    expect: Expectations
    peers: bool
    origins: Sequence[str] = (ORIGIN,)
    slack_seconds: float = 0.0

    def complaint(self, read: Read) -> str:
        """What is wrong; empty when nothing is."""
        film = self.ledger.films[read.path]
        match read.status:
            case 200 | 206:
                return self._of_content(read, film)
            case 404:
                return self._of_absence(read, film)
            case 416:
                return self._of_refused_range(read, film)
            case 0 if _is_overtaken(read, film):
                return ""
            case 0 | 500 | 502 | 503 | 504:
                return self.of_failure(read.server, read.asked_at, read.answered_at, read.said)
            case _:
                return f"status {read.status} was not expected"

    def of_failure(self, server: str, asked_at: float, answered_at: float, said: str) -> str:
        """Why a failure has no excuse; empty when it has."""
        recover = self.expect.recover_seconds + self.slack_seconds
        during = (asked_at, answered_at, recover)
        places = serves_by(server, peers=self.peers)
        upstreams = [fetches_by(server, each, peers=self.peers) for each in self.origins]
        if self.troubles.excuse(places, *during):
            return ""
        # Where there are two origins, one is enough, once it is known that the other is none.
        if all(self.troubles.excuse(each, *during) for each in upstreams) or any(
            self.troubles.excuse(each, *during, LINGERING) for each in upstreams
        ):
            return ""
        return f"failed although nothing it needs was broken: {said}"

    def of_naming(self, edge: str, asked_at: float, answered_at: float) -> str:
        """Why a router must not have named this edge; empty when it may."""
        dead_since = self.troubles.dead_since(edge, answered_at)
        if dead_since is None or self._router_was_away(dead_since, answered_at):
            return ""
        limit = self.expect.out_seconds + self.slack_seconds
        if asked_at > dead_since + limit:
            return f"names {edge}, dead for {asked_at - dead_since:.1f} s"
        return ""

    def _router_was_away(self, start: float, stop: float) -> bool:
        own = frozenset({ROUTER, f"world>{ROUTER}"})
        return self.troubles.excuse(own, start, stop, self.expect.recover_seconds)

    def _of_content(self, read: Read, film: Film) -> str:
        version = film.find(read.etag)
        if version is None:
            return f"entity tag {read.etag or 'missing'} is of no version that was ever put"
        bounds = _bounds(read, version)
        if isinstance(bounds, str):
            return bounds
        if read.if_range and read.status == 206 and read.if_range != read.etag:
            return f"part of {read.etag} although If-Range named {read.if_range}"
        start, stop = bounds
        if read.body != version.content[start:stop]:
            return f"wrong bytes of version {version.number} in [{start}, {stop}): " + _difference(
                read.body, version, start, film
            )
        return self._of_age(read, film, version)

    def _of_age(self, read: Read, film: Film, version: Version) -> str:
        if version.began_at > read.answered_at:
            return f"version {version.number} was answered before it was put"
        floor = self.ledger.floor(read.server, read.path, read.asked_at)
        if version.number < floor:
            return f"version {version.number} after the receipt of a purge of it (floor {floor})"
        replaced_at = film.replaced_at(version)
        if replaced_at is None or not film.is_followed:
            return ""
        if self._must_have_known(read, replaced_at):
            late = read.asked_at - replaced_at
            return f"version {version.number}, asked for {late:.2f} s after it was replaced"
        return ""

    def _of_absence(self, read: Read, film: Film) -> str:
        known = [each.known_at for each in film.versions if each.known_at is not None]
        if known and self._must_have_known(read, min(known)):
            return "404 for a film that is there"
        return ""

    def _of_refused_range(self, read: Read, film: Film) -> str:
        told = _UNSATISFIED.fullmatch((read.fields or {}).get("content-range", ""))
        size = int(told[1]) if told else -1
        if read.start is None or size < 0 or read.start < size:
            return f"416 to {read.start}-{read.stop} of {size} bytes"
        fitting = [each for each in film.versions if each.size_bytes == size]
        complaints = [self._of_age(read, film, each) for each in fitting]
        return "416 of no version" if not complaints else min(complaints, key=len)

    def _must_have_known(self, read: Read, changed_at: float) -> bool:
        """Whether a change at a moment must be known to who was asked."""
        lag = self.expect.lag_seconds + self.slack_seconds
        places = hears_by(read.server, self.origins)
        if read.server in self.origins:
            if len(self.origins) == 1:
                return read.asked_at > changed_at
            # What one has committed the other may hear of by looking only.
            lag, places = lag + LOOK_SECONDS, knows_by(read.server)
        return self.troubles.had_peace(places, changed_at, read.asked_at, lag)


def _is_overtaken(read: Read, film: Film) -> bool:
    """Whether an answer was cut whose version nobody has any more: it cannot be gone on with."""
    version = film.find(read.etag)
    return version is not None and version is not film.versions[-1]


def _bounds(read: Read, version: Version) -> tuple[int, int] | str:
    """Which bytes the answer says it has; a complaint when they are not those asked for."""
    if read.status == 200:
        return 0, version.size_bytes
    told = _CONTENT_RANGE.fullmatch((read.fields or {}).get("content-range", ""))
    if told is None:
        return "206 without a Content-Range that can be read"
    start, stop, size = int(told[1]), int(told[2]) + 1, int(told[3])
    if size != version.size_bytes:
        return f"says {size} bytes of a version of {version.size_bytes}"
    wanted = (read.start or 0, min(size, size if read.stop is None else read.stop))
    if (start, stop) != wanted:
        return f"[{start}, {stop}) instead of [{wanted[0]}, {wanted[1]})"
    return start, stop


def _difference(body: bytes, version: Version, start: int, film: Film) -> str:
    """Where bytes go wrong, and whose they are."""
    wanted = version.content[start : start + len(body)]
    at = next(
        (n for n, pair in enumerate(zip(body, wanted, strict=False)) if pair[0] != pair[1]), -1
    )
    if at < 0:
        return f"{len(body)} bytes came"
    piece = body[at : at + 32]
    for each in film.versions:
        found = each.content.find(piece)
        if found >= 0:
            return f"from {start + at} on those at {found} of version {each.number}"
    return f"from {start + at} on those of no version"
