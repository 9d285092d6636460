"""The upstreams of a route: several base URLs that serve the same bytes, tried in order.

Edges of our own may be asked before them: which, and in what order, goes by the question
(`edge.tiers`). They share the health and the retries, and what they will not answer is asked on.

One that failed is set aside, comes back by a trial (`health`), and is asked out of turn only when
no other is left, so that a dead origin costs one timeout and not one per request. What counts as a
failure, and what is asked again elsewhere, stands in `failures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cdnkit.cache_control import parse_seconds
from cdnkit.errors import UpstreamError
from cdnkit.fields import FieldLines
from cdnkit.service.tracing import Kind, step
from edge.upstream.connection import InterimListener, UpstreamConnection
from edge.upstream.endpoint import Endpoint, Trust
from edge.upstream.failures import REACTIONS, Reaction, reaction_to
from edge.upstream.health import Health
from edge.upstream.lent import Lent
from edge.upstream.pool import Pool, PoolLimits

_FINE: Final = Reaction(elsewhere=False, blame=False)


class Upstreams:
    """Equal upstreams in the operator's order. `now` gives seconds since the epoch."""

    def __init__(
        self,
        urls: Sequence[str],
        limits: PoolLimits,
        now: Callable[[], float],
        trust: Trust | None = None,
        inner: Sequence[Endpoint] = (),
        inner_trust: Trust | None = None,
    ) -> None:
        self.pools = [Pool(endpoint, limits, inner_trust) for endpoint in inner]
        self._outer = range(len(inner), len(inner) + len(urls))
        self.pools += [Pool(Endpoint.from_url(url), limits, trust) for url in urls]
        self.health = [Health() for _ in self.pools]
        self._now = now

    async def ask(
        self,
        method: bytes,
        make_head: Callable[[Endpoint], bytes],
        on_interim: InterimListener | None = None,
        first: Sequence[int] = (),
    ) -> Lent:
        """Send a request without content to the first upstream that answers usefully.

        `first` are numbers of inner ones that come before the others. Raises the last
        UpstreamError when none does.
        """
        error: UpstreamError = UpstreamError("the route has no upstream")
        order = [*first, *self._outer]
        for index, is_last in self._in_order(order):
            pool, requested_at = self.pools[index], self._now()
            try:
                with step("ask", Kind.CLIENT, upstream=_name_of(pool.endpoint)) as span:
                    connection, head = await pool.ask(method, make_head(pool.endpoint), on_interim)
                    if span is not None:
                        span.attributes["http.response.status_code"] = head.status
            except UpstreamError as failure:
                error = failure
                reaction = reaction_to(failure)
                self._judge(index, reaction)
                if not reaction.elsewhere:
                    raise
                continue
            reaction = REACTIONS.get(head.status, _FINE)
            self._judge(index, reaction, head.fields)
            if reaction.elsewhere and not (is_last and index in self._outer):
                connection.abort()
                pool.release(connection)
                error = UpstreamError(f"an upstream answered with {head.status}")
                continue
            received_at = self._now()
            head.date(received_at)
            failed_over = index != order[0]
            return Lent(pool, connection, head, requested_at, received_at, failed_over)
        raise error

    async def connect(self) -> tuple[Pool, UpstreamConnection]:
        """A fresh connection to the first upstream that takes one; nothing was sent on it.

        For requests that must not be sent twice; inner ones are left out. Raises the last
        UpstreamError when none does.
        """
        error: UpstreamError = UpstreamError("the route has no upstream")
        for index, _ in self._in_order(self._outer):
            pool = self.pools[index]
            try:
                connection, _ = await pool.acquire(fresh=True)
            except UpstreamError as failure:
                error = failure
                self._judge(index, reaction_to(failure))
            else:
                return pool, connection
        raise error

    def retire(self) -> None:
        """Close idle connections; who asks still gets an answer."""
        for pool in self.pools:
            pool.retire()

    def close(self) -> None:
        """Close idle connections, and turn away who waits for one."""
        for pool in self.pools:
            pool.close()

    def _judge(self, index: int, reaction: Reaction, fields: FieldLines | None = None) -> None:
        if reaction.blame:
            self.health[index].failed(self._now(), _rest_seconds(fields))
        elif fields is not None:
            self.health[index].answered()

    def _in_order(self, order: Sequence[int]) -> Iterator[tuple[int, bool]]:
        """Those in use in this order, then those set aside; True with the last one.

        Which may be asked is found out one by one: a trial begins when it is really made.
        """
        aside: list[int] = []
        for place, index in enumerate(order, 1):
            if self.health[index].may_ask(self._now()):
                yield index, place == len(order) and not aside
            else:
                aside.append(index)
        for place, index in enumerate(aside, 1):
            yield index, place == len(aside)


def _name_of(endpoint: Endpoint) -> str:
    return endpoint.node or endpoint.authority.decode("latin-1")


def _rest_seconds(fields: FieldLines | None) -> float | None:
    """What Retry-After asks for, where it says so in seconds (RFC 9110 10.2.3)."""
    text = None if fields is None else fields.text(b"retry-after")
    return None if text is None else parse_seconds(text)
