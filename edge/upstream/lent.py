"""An upstream's connection with the head of its answer read, lent to whoever takes the content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cdnkit.wire import Traffic
from edge.box.says import Says
from edge.http1.response import Framing, ResponseHead
from edge.purpose import purpose
from edge.upstream.connection import UpstreamConnection
from edge.upstream.pool import Pool

__all__ = ["NOWHERE", "Lent", "Says"]


@dataclass(slots=True)
class Lent:
    """A connection with an answer's head read; `release` gives it back.

    `failed_over` says that an upstream which comes first was not fit to be asked.
    """

    pool: Pool
    connection: UpstreamConnection
    head: ResponseHead
    requested_at: float
    received_at: float
    failed_over: bool = False
    purpose: Traffic = field(default_factory=purpose)
    """What the task that asked fetches for."""
    bill: Callable[[int], None] | None = None
    """Told how much content came, when the connection goes back."""
    says: Says | None = None
    """What its owner says of it, when another worker of this box has answered."""

    def release(self) -> None:
        """Give the connection back."""
        bill, self.bill = self.bill, None
        if bill is not None:
            bill(self.connection.content_bytes)
        self.pool.release(self.connection)

    def drop(self) -> None:
        """Nobody takes the content: close the connection."""
        self.connection.abort()
        self.release()

    async def discard(self) -> None:
        """Nobody takes the answer; one without content leaves its connection usable."""
        if self.head.framing is Framing.NONE:
            await self.connection.pour(NOWHERE)
            self.release()
        else:
            self.drop()


class _Nowhere:
    """Sink of answers without content."""

    def view(self) -> memoryview:
        return memoryview(bytearray(1))

    def received(self, size: int) -> bool:
        return False


NOWHERE: Final = _Nowhere()
"""Ends an answer that has no content, so that its connection can be used again."""
