"""Whom the router does not send on: viewers whose token has ended, or is for other countries.

The router refuses only what it is sure of. A token that it cannot open may be signed with a key it
has not heard of yet, a cookie it does not see, and an unknown country excludes nobody: edges, and
whoever gave the token, judge those. Pure; where a viewer is, others say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cdnkit.tokens import TokenError, split_token_path
from cdnkit.tokens.keys import read_keys
from cdnkit.tokens.verifier import Verifier
from cdnkit.tokens.where import token_of_query
from config.topology import Route, Topology
from geo_router.declared import EndedTokenError, ExcludedError


class Bound(NamedTuple):
    """Until when a target may be asked for (seconds of the epoch) and where (empty: all)."""

    expires_at: int
    countries: tuple[str, ...]

    def excludes(self, now: float, country: str) -> bool:
        """Whether a viewer in `country` (empty: not known) is refused now."""
        if now >= self.expires_at:
            return True
        return bool(self.countries and country and country not in self.countries)


class Gate:
    """Reads the tokens of targets as edges with the same routes do."""

    def __init__(self, verifier: Verifier, routes: Sequence[Route]) -> None:
        self._verifier = verifier
        self._routes = sorted(routes, key=lambda route: -len(route.prefix))
        self._is_open = not verifier.has_keys or not any(route.token for route in routes)

    def needs_token(self, path: str) -> bool:
        """Whether edges want a token for a path."""
        return next((r.token for r in self._routes if path.startswith(r.prefix)), False)

    def bound_of(self, target: str) -> Bound | None:
        """What the token in a target binds it to; None without a token that we can open."""
        token = None if self._is_open else self._token_of(target)
        if token is None:
            return None
        try:
            claims = self._verifier.open(token)
        except TokenError:
            return None
        return Bound(claims.expires_at, claims.countries)

    def check(self, target: str, country: str, now: float) -> None:
        """May a viewer in `country` be sent on with this target now? Raises TokenError."""
        bound = self.bound_of(target)
        if bound is None or not bound.excludes(now, country):
            return
        if now >= bound.expires_at:
            raise EndedTokenError
        raise ExcludedError

    def _token_of(self, target: str) -> str | None:
        path, _, query = target.partition("?")
        token, inner = split_token_path(path)
        if query and self.needs_token(inner):
            return token or token_of_query(query)
        return token


def gate_of(topology: Topology) -> Gate:
    """The gate of a topology. Raises BadRequestError for a key that cannot be used."""
    return Gate(Verifier(read_keys(topology.token_keys)), topology.routes)
