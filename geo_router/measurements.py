"""What players measured: bits per second from an edge, by the network they are in.

Kept for explanations, bounded in number, the newest half of the weight. Nothing is decided by it:
players say what they like. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from geo_router.place import Place

MEASUREMENTS_MAX: Final = 20_000
_NEW_SHARE: Final = 0.3


@dataclass(slots=True)
class Measurement:
    """Of one network and one edge."""

    bits_per_second: float
    count: int
    at: float


class Measurements:
    """The measurements of one router, those told last."""

    def __init__(self, most: int = MEASUREMENTS_MAX) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Measurement] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def tell(self, network: str, edge: str, bits_per_second: int, now: float) -> None:
        """A player of a network saw this from an edge."""
        kept = self._kept.get((network, edge))
        if kept is None:
            self._kept[network, edge] = Measurement(float(bits_per_second), 1, now)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return
        kept.bits_per_second += _NEW_SHARE * (bits_per_second - kept.bits_per_second)
        kept.count += 1
        kept.at = now
        self._kept.move_to_end((network, edge))

    def of(self, network: str) -> list[dict[str, Any]]:
        """What players of a network saw, best edge first."""
        found = [
            {
                "edge": edge,
                "network": network,
                "bits_per_second": round(kept.bits_per_second),
                "count": kept.count,
                "at": round(kept.at, 3),
            }
            for (where, edge), kept in self._kept.items()
            if where == network
        ]
        return sorted(found, key=lambda each: -each["bits_per_second"])


def network_of(place: Place) -> str:
    """The network that a place speaks for."""
    return place.matched or place.source.value
