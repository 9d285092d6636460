"""Viewers who send, byte for byte, the request of one who waits already: they wait beside that one.

Such a viewer costs a comparison instead of a request's whole course, and what comes of the question
is given to all of them in one go (`edge.herd`). What cannot be given so, a failure, an answer for
one alone, a variant, sends each on the full path, where it counts as having waited. Only requests
in which nothing hangs on the viewer or its connection are shared: no token, pace, hint, own id or
news of how it plays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge.account import Told
from edge.cache.epochs import Epochs
from edge.cmcd import CMCD_FIELDS
from edge.crowds import Asking, Learned
from edge.exchange import Exchange
from edge.http1.request import Request

__all__ = ["Exchange", "Gathering", "Gatherings", "Learned", "Request", "Told"]

if TYPE_CHECKING:
    from edge.connection import Connection

_PERSONAL: Final = (b"x-request-id", *CMCD_FIELDS)
OnAsking = Callable[[Asking], None]


class Gathering:
    """Who waits with one head. Until its question is known (`know`) that is for a moment only.

    `miss_class` and `forward` are why the first of them has to wait.
    """

    __slots__ = (
        "_epochs",
        "_target",
        "asking",
        "exchanges",
        "forward",
        "key",
        "miss_class",
        "request",
    )

    def __init__(self, request: Request) -> None:
        self.request = request
        self.exchanges: list[Exchange] = []
        self.asking: Asking | None = None

    def know(self, asking: Asking, key: bytes, target: bytes, told: Told, epochs: Epochs) -> None:
        """This is what the first of them waits for."""
        self.asking = asking
        self.key = key
        self.miss_class = told.miss_class
        self.forward = told.forward
        self._target = target
        self._epochs = epochs

    def takes(self, connection: Connection) -> bool:
        """May the same head on this connection wait here? Nobody joins an overtaken question."""
        if connection.neighbour or connection.inner or connection.paced is not None:
            return False
        asking = self.asking
        return asking is None or not (
            asking.task.done() or self._epochs.is_past(self._target, asking.epoch)
        )


class Gatherings:
    """Those of one worker. `answer` gives all of one what was learned, or says that it cannot."""

    def __init__(self, epochs: Epochs, answer: Callable[[Gathering], bool]) -> None:
        self._epochs = epochs
        self._answer = answer

    def around(self, exchange: Exchange, told: Told, key: bytes, target: bytes) -> OnAsking | None:
        """What to do with the question this request waits for; None when nobody may share it."""
        if not _is_anybodys(exchange, told):
            return None

        def gather(asking: Asking) -> None:
            gathering = exchange.gathering
            if gathering is not None:
                gathering.know(asking, key, target, told, self._epochs)

        return gather

    def dissolve(self, exchange: Exchange) -> None:
        """What this request waited for has come, or failed: the others are next."""
        gathering = exchange.gathering
        if gathering is None or gathering.asking is None:
            return
        exchange.gathering = None
        server = exchange.connection.server
        server.arrivals.forget(exchange.head, gathering)
        if gathering.exchanges and not self._answer(gathering):
            for other in gathering.exchanges:
                other.asking = gathering.asking
                server.begin(other)


def _is_anybodys(exchange: Exchange, told: Told) -> bool:
    connection, request = exchange.connection, exchange.request
    return (
        not (connection.neighbour or connection.inner)
        and connection.paced is None
        and told.claims is None
        and b"CMCD=" not in request.target
        and not any(name in request.fields for name in _PERSONAL)
    )
