"""How titles play now, asked of every edge that has an admin address.

Edges count from their start. What happened lately is the difference of two looks; of the first
look it is everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from cdnkit.service.certificates import believing
from cdnkit.wire import PLAYERS_PATH
from config.check_addresses import admin_url
from config.topology import EdgeNode, Topology

_TIMEOUT_SECONDS = 1.0
_AT_ONCE = 16
_SCOPES = frozenset({"operate", "admin"})
Sessions = Counter[tuple[str, str]]
"""Sessions, and those that starved, by title."""
Told = tuple[object, Sessions]
"""Since when an edge counts, and its counts."""


class Players:
    """Looks again and again at the edges of a topology."""

    def __init__(self, topology: Topology) -> None:
        """Raises AuthorityError."""
        self._edges = [edge for edge in topology.edges if edge.admin is not None]
        fit = [token for token in topology.access_tokens if _SCOPES & set(token.scopes)]
        self._token = min(fit, key=lambda token: len(token.scopes)).secret if fit else ""
        self._trust = believing(topology.authorities)
        self._before: dict[str, Told] = {}

    def look(self) -> dict[str, float]:
        """The share of sessions that starved since the last look, of titles that players told of.

        Edges that do not answer, or let nobody look, count as if nobody played there.
        """
        if not self._edges:
            return {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(self._ask, self._edges))
        lately: Sessions = Counter()
        for edge, told in zip(self._edges, found, strict=True):
            if told is None:
                continue
            since, now = told
            life, before = self._before.get(edge.name, (since, Counter()))
            if life != since:
                before = Counter()
            lately.update(now - before)
            # A worker knows the others' counts of a moment ago, which may be less than was seen. A
            # title that is gone gave its place away, and would begin from nothing.
            most: Sessions = Counter({key: max(count, before[key]) for key, count in now.items()})
            self._before[edge.name] = since, most
        return shares_of(lately)

    def _ask(self, edge: EdgeNode) -> Told | None:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = httpx.get(
                admin_url(edge) + PLAYERS_PATH,
                headers=headers,
                timeout=_TIMEOUT_SECONDS,
                trust_env=False,
                verify=self._trust,
            )
            told = answer.raise_for_status().json()
            return told.get("counting_since"), sessions_of(told["titles"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return None


def sessions_of(titles: Sequence[Mapping[str, object]]) -> Sessions:
    """Counts of sessions in what an edge told. Raises KeyError, TypeError, ValueError."""
    sessions: Sessions = Counter()
    for each in titles:
        for measure in ("sessions", "starved_sessions"):
            sessions[str(each["title"]), measure] += int(str(each[measure]))
    return sessions


def shares_of(sessions: Sessions) -> dict[str, float]:
    """The share of sessions that starved, by title; of sessions that began before, at most all."""
    titles = {title for title, _ in sessions}
    return {
        title: min(1.0, sessions[title, "starved_sessions"] / max(1, sessions[title, "sessions"]))
        for title in titles
        if sessions[title, "sessions"] or sessions[title, "starved_sessions"]
    }
