"""What a line between two processes does to the bytes on it. Pure.

A `Weather` is changed while connections are open, and counts at once for all of them; a proxy
(`tests.faults.proxy`, `tests.faults.udp_proxy`) asks it before it passes anything on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Weather:
    """`only`: connections that begin with these bytes are meant, the others have fair weather.

    `stalled` lets nothing pass and ends nothing; `refusing` resets what connects; `loss` is the
    share of datagrams that get lost.
    """

    delay_seconds: float = 0.0
    bytes_per_second: float = math.inf
    stalled: bool = False
    refusing: bool = False
    loss: float = 0.0
    only: bytes = b""

    def concerns(self, beginning: bytes) -> bool:
        """Whether a connection is meant whose first bytes are these."""
        return beginning.startswith(self.only)

    def refuses(self, beginning: bytes) -> bool:
        """Whether a connection that begins so is reset."""
        return self.refusing and self.concerns(beginning)

    def due_seconds(self, now: float) -> float:
        """When what comes in now may leave."""
        return now + self.delay_seconds


FAIR = Weather()
"""What connections have that are not meant. Nobody changes it."""


def paced_seconds(free_at: float, now: float, size_bytes: int, bytes_per_second: float) -> float:
    """When a line is free again that takes `size_bytes` as soon as it can.

    A line that was unused owes nothing: it does not save up what it could have sent.
    """
    return max(free_at, now) + size_bytes / bytes_per_second
