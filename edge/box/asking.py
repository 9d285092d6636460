"""Questions to the owner of an object, over its Unix socket: HTTP as to any upstream.

The owner answers as it would a viewer, and says beside it what a viewer would have been told. No
hop is added on the way: a box is one cache, whoever of its workers answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cdnkit.errors import UpstreamError
from cdnkit.fields import Pair
from edge.box.neighbours import Neighbours
from edge.box.says import BORROWS, WORKER_FIELD, parse_says
from edge.box.sockets import Sockets
from edge.upstream.connection import InterimListener
from edge.upstream.endpoint import Endpoint
from edge.upstream.lent import Lent
from edge.upstream.limits import PoolLimits
from edge.upstream.pool import Pool

_CONNECTIONS_MAX = 4096
_PATIENCE = 4
"""An owner may try several upstreams, each within its own time limit, before it answers."""


class Owners:
    """Asks the other workers of a box."""

    def __init__(self, neighbours: Neighbours, sockets: Sockets, limits: PoolLimits) -> None:
        self._neighbours = neighbours
        patient = replace(
            limits,
            connections_max=_CONNECTIONS_MAX,
            first_byte_timeout_seconds=_PATIENCE * limits.first_byte_timeout_seconds,
            read_timeout_seconds=_PATIENCE * limits.read_timeout_seconds,
        )
        self._pools = {
            other: Pool(Endpoint.of_socket(sockets.requests_path(other)), patient)
            for other in neighbours.others
        }

    async def ask(
        self,
        owner: int,
        method: bytes,
        target: bytes,
        pairs: Sequence[Pair],
        request_id: bytes,
        on_interim: InterimListener | None,
        now: float,
        *,
        borrows: bool,
    ) -> Lent | None:
        """An owner's answer; None when it is away. Raises UpstreamError."""
        link = self._neighbours.followed.get(owner)
        if link is None:
            return None
        asker = b"%d %d" % (self._neighbours.number, link.sent)
        asker += b" " + BORROWS if borrows else b""
        lines = [b"%b %b HTTP/1.1\r\nHost: box\r\n" % (method, target)]
        lines += [b"%b: %b\r\n" % pair for pair in pairs]
        lines.append(b"X-Request-Id: %b\r\n%b: %b\r\n\r\n" % (request_id, WORKER_FIELD, asker))
        pool = self._pools[owner]
        try:
            connection, head = await pool.ask(method, b"".join(lines), on_interim)
        except UpstreamError:
            if self._neighbours.followed.get(owner) is not link:
                return None
            raise
        lent = Lent(pool, connection, head, now, now)
        try:
            lent.says = parse_says(head.fields)
        except (KeyError, ValueError):
            lent.drop()
            raise UpstreamError("the owner's word cannot be read") from None
        return lent

    def down(self, owner: int) -> None:
        """An owner is gone: nothing asked of it will be answered."""
        self._pools[owner].abort()

    def close(self) -> None:
        """Close idle connections."""
        for pool in self._pools.values():
            pool.close()
