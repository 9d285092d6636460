"""The edge's side of a conversation with a route's upstreams: one place that makes its requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cdnkit.fields import FieldLines, Pair
from edge.box.box import Box
from edge.entry import Entry
from edge.onward import refuse_loop, upstream_head, via_line
from edge.routing import Matched
from edge.upstream.connection import InterimListener, UpstreamConnection
from edge.upstream.endpoint import Endpoint
from edge.upstream.lent import Lent
from edge.upstream.pool import Pool
from edge.ways import Ways

OnInterim = InterimListener
HandOn = Callable[[Sequence[Pair], Sequence[Pair]], tuple[Sequence[Pair], Sequence[Pair]]]


class Origin:
    """Asks the upstreams of whatever route a target belongs to.

    `billed` has what comes of an answer counted for its target. Workers and edges of ours are told
    `purpose_pairs` besides.
    """

    def __init__(
        self,
        ways: Ways,
        node: str,
        new_request_id: Callable[[], bytes],
        box: Box | None = None,
        hand_on: HandOn | None = None,
        billed: Callable[[Lent, bytes], Lent] = lambda lent, _: lent,
        purpose_pairs: Callable[[], Sequence[Pair]] = tuple,
    ) -> None:
        """`hand_on` makes questions say which trace they belong to, in place of viewers' words."""
        self.ways = ways
        self.billed = billed
        self._purpose_pairs = purpose_pairs
        self._node = node
        self._new_request_id = new_request_id
        self._box = box
        self._hand_on = hand_on

    def adopt(self, ways: Ways) -> None:
        """From now on ask these; who waits for an answer of the others still gets it."""
        before, self.ways = self.ways, ways
        before.retire()

    async def ask(
        self,
        target: bytes,
        method: bytes,
        pairs: Sequence[Pair],
        own: Sequence[Pair],
        on_interim: OnInterim | None = None,
        request_id: bytes | None = None,
        *,
        borrows: bool = False,
    ) -> Lent:
        """Send a request without content. Raises UpstreamError.

        The owner of the target is asked if it is another worker of this box, and here. Who
        `borrows` takes over the entry it speaks of, and gets no content of what it holds.
        """
        request_id = request_id or self._new_request_id()
        if self._box is not None:
            replaced = {name for name, _ in own}
            sent = [*(pair for pair in pairs if pair[0] not in replaced), *own]
            sent += self._purpose_pairs()
            if self.ways.hops is not None:
                sent.append(self.ways.hops.heard())
            if self._hand_on is not None:
                sent = [pair for part in self._hand_on(sent, ()) for pair in part]
            lent = await self._box.ask(
                method, target, sent, request_id, on_interim, borrows=borrows
            )
            if lent is not None:
                return lent
        ways = self.ways
        matched, upstreams = ways.behind(target)
        is_read = method in (b"GET", b"HEAD")
        lent = await upstreams.ask(
            method,
            lambda endpoint: self.head(method, matched, endpoint, pairs, own, request_id, ways),
            on_interim,
            ways.first_of(matched.rule.number, matched.target, pairs) if is_read else (),
        )
        return self.billed(lent, target)

    async def ask_part(self, entry: Entry, start: int, stop: int) -> Lent:
        """Ask for bytes [start, stop) of the version an entry holds. Raises UpstreamError."""
        target, _, _ = entry.key.partition(b"\n")
        own = [(b"range", b"bytes=%d-%d" % (start, stop - 1))]
        etag = entry.validators.etag
        if etag is not None:
            own.append((b"if-match", etag.encode("latin-1")))
        return await self.ask(target, b"GET", entry.request_pairs, own)

    async def connect(self, target: bytes) -> tuple[Matched, Pool, UpstreamConnection]:
        """A connection for a request that must not be sent twice, and what the target means there.

        Raises UpstreamError.
        """
        matched, upstreams = self.ways.behind(target)
        return (matched, *await upstreams.connect())

    def head(
        self,
        method: bytes,
        matched: Matched,
        endpoint: Endpoint,
        pairs: Sequence[Pair],
        own: Sequence[Pair],
        request_id: bytes,
        ways: Ways | None = None,
    ) -> bytes:
        """The bytes of a request head to one upstream. Raises LoopDetectedError.

        `ways` are those by which the upstream was found, where it may be an edge of ours.
        """
        refuse_loop(FieldLines(pairs), self._node)
        if self._hand_on is not None:
            pairs, own = self._hand_on(pairs, own)
        if endpoint.node and ways is not None and ways.hops is not None:
            own = [*own, ways.hops.sign(endpoint.node, matched.target), *self._purpose_pairs()]
        return upstream_head(
            method,
            endpoint.base_path + matched.rest,
            endpoint.authority,
            pairs,
            own,
            via_line(FieldLines(pairs), self._node),
            self._node,
            request_id,
        )

    def close(self) -> None:
        """Close idle connections."""
        self.ways.close()
