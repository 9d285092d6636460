"""The edge's side of a conversation with a route's upstreams: one place that makes its requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cdnkit.fields import FieldLines, Pair
from edge.entry import Entry
from edge.onward import refuse_loop, upstream_head, via_line
from edge.routing import Matched, Routing
from edge.upstream.connection import InterimListener, UpstreamConnection
from edge.upstream.pool import Endpoint, Pool
from edge.upstream.upstreams import Lent, Upstreams

OnInterim = InterimListener


class Origin:
    """Asks the upstreams of whatever route a target belongs to."""

    def __init__(
        self,
        routing: Routing,
        upstreams: Sequence[Upstreams],
        node: str,
        new_request_id: Callable[[], bytes],
    ) -> None:
        self._routing = routing
        self._upstreams = upstreams
        self._node = node
        self._new_request_id = new_request_id

    async def ask(
        self,
        target: bytes,
        method: bytes,
        pairs: Sequence[Pair],
        own: Sequence[Pair],
        on_interim: OnInterim | None = None,
        request_id: bytes | None = None,
    ) -> Lent:
        """Send a request without content. Raises UpstreamError."""
        matched = self._routing.match(target)
        return await self._upstreams[matched.rule.number].ask(
            method,
            lambda endpoint: self.head(
                method, matched, endpoint, pairs, own, request_id or self._new_request_id()
            ),
            on_interim,
        )

    async def ask_part(self, entry: Entry, start: int, stop: int) -> Lent:
        """Ask for bytes [start, stop) of the version an entry holds. Raises UpstreamError."""
        target, _, _ = entry.key.partition(b"\n")
        own = [(b"range", b"bytes=%d-%d" % (start, stop - 1))]
        etag = entry.validators.etag
        if etag is not None:
            own.append((b"if-match", etag.encode("latin-1")))
        return await self.ask(target, b"GET", entry.request_pairs, own)

    async def connect(self, matched: Matched) -> tuple[Pool, UpstreamConnection]:
        """A connection for a request that must not be sent twice. Raises UpstreamError."""
        return await self._upstreams[matched.rule.number].connect()

    def head(
        self,
        method: bytes,
        matched: Matched,
        endpoint: Endpoint,
        pairs: Sequence[Pair],
        own: Sequence[Pair],
        request_id: bytes,
    ) -> bytes:
        """The bytes of a request head to one upstream. Raises LoopDetectedError."""
        refuse_loop(FieldLines(pairs), self._node)
        return upstream_head(
            method,
            endpoint.base_path + matched.rest,
            endpoint.authority,
            pairs,
            own,
            via_line(FieldLines(pairs), self._node),
            request_id,
        )

    def close(self) -> None:
        """Close idle connections."""
        for upstreams in self._upstreams:
            upstreams.close()
