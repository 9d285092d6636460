"""Response-rate limiting: how many answers a client network gets per second over UDP.

Addresses of UDP packets can be forged, so an answerer without this is a weapon. Beyond the limit
every second question gets a truncated answer (an honest client comes back over TCP, where it
cannot forge), the others get none. Pure.
"""

from __future__ import annotations

import enum
from typing import Final

_NETWORKS_MAX: Final = 100_000


class Verdict(enum.Enum):
    """What a question gets."""

    ANSWER = "answer"
    TRUNCATE = "truncate"
    DROP = "drop"


class RateLimit:
    """Counts per /24 and /48 in windows of a second; 0 per second means no limit."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._window = -1
        self._counts: dict[str, int] = {}

    def judge(self, client: str, now: float) -> Verdict:
        """What the next question of a client gets."""
        if not self._per_second:
            return Verdict.ANSWER
        window = int(now)
        if window != self._window or len(self._counts) > _NETWORKS_MAX:
            self._window, self._counts = window, {}
        network = network_of(client)
        count = self._counts[network] = self._counts.get(network, 0) + 1
        if count <= self._per_second:
            return Verdict.ANSWER
        return Verdict.TRUNCATE if count % 2 else Verdict.DROP


def network_of(client: str) -> str:
    """The /24 of an IPv4 address, roughly the /48 of an IPv6 one, as a key."""
    if ":" in client:
        return ":".join(client.split(":", 3)[:3])
    return client.rpartition(".")[0]
