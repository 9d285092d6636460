"""A request of another worker of the box: who asks, and whether all it said before has come."""

from __future__ import annotations

import contextlib

from cdnkit.fields import FieldLines
from edge.box.link import LinkLostError
from edge.box.neighbours import Neighbours
from edge.box.says import BORROWS, WORKER_FIELD
from edge.exchange import Exchange


class Greeting:
    """Takes such requests in."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def __call__(self, exchange: Exchange) -> None:
        """Note who asks; returns when what it had said before was acted on."""
        request = exchange.request
        words = (request.fields.first(WORKER_FIELD) or b"").split()
        asker, count = map(int, words[:2])
        exchange.asker, exchange.borrows = asker, BORROWS in words
        request.pairs = [pair for pair in request.pairs if pair[0] != WORKER_FIELD]
        request.fields = FieldLines(request.pairs)
        link = self._neighbours.followers.get(asker)
        if link is not None:
            with contextlib.suppress(LinkLostError):
                await link.reached(count)
