"""What a cache of a size answers: the share of each class of bytes that it holds when asked.

LRU by the approximation of Che, Tung and Wang (Hierarchical Web caching systems, IEEE JSAC 20(7),
2002): every byte stays for the same time T after it was asked for, and T is such that the cache
is full. FIFO by that of Martina, Garetto and Leonardi (A unified approach to the performance
analysis of caching systems, INFOCOM 2014). `titlelfu` holds what is wanted most. Requests count as
independent of each other and of the day; what caches miss is taken for such requests again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from scripts.capacity.popularity import Class

_HALVINGS: Final = 60
_FURTHEST: Final = 700.0
"""Beyond this power of e floats end."""

_KEPT: Final[dict[str, Callable[[float], float]]] = {
    "lru": lambda asked: -math.expm1(-asked),
    "fifo": lambda asked: asked / (1 + asked),
}
"""Share of the time that a byte is held, by how often it is asked for in T."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A hit ratio that was measured: points (share of the catalogue held, hit ratio), rising."""

    points: tuple[tuple[float, float], ...]

    def ratio(self, share: float) -> float:
        """Between points as the logarithm of the share; beyond the last as there."""
        (before, low), *others = ((0.0, 0.0), *self.points)
        for at, high in others:
            if share <= at:
                if before == 0:
                    return high * share / at
                way = math.log(share / before) / math.log(at / before)
                return low + (high - low) * way
            before, low = at, high
        return low


def held_shares(classes: Sequence[Class], cache_bytes: float, policy: str) -> list[float]:
    """Of each class, the share of its requests that a cache answers by itself."""
    if cache_bytes >= sum(each.size_bytes for each in classes):
        return [1.0] * len(classes)
    if policy == "titlelfu":
        return _most_wanted(classes, cache_bytes)
    kept = _KEPT[policy]
    low, high = -_FURTHEST, _FURTHEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        full = sum(each.size_bytes * kept(_asked(each, middle)) for each in classes)
        low, high = (middle, high) if full < cache_bytes else (low, middle)
    return [kept(_asked(each, low)) for each in classes]


def hit_ratio(classes: Sequence[Class], shares: Sequence[float]) -> float:
    """Share of the bytes asked for that is answered when `shares` of each class are."""
    wanted = math.fsum(each.rate * each.size_bytes for each in classes)
    answered = math.fsum(
        each.rate * each.size_bytes * share for each, share in zip(classes, shares, strict=True)
    )
    return min(1.0, answered / wanted) if wanted else 1.0


def missed(classes: Sequence[Class], shares: Sequence[float]) -> tuple[Class, ...]:
    """What is asked of the next tier when `shares` of each class are answered."""
    return tuple(
        Class(each.rate * (1 - share), each.size_bytes)
        for each, share in zip(classes, shares, strict=True)
    )


def _asked(each: Class, log_seconds: float) -> float:
    return math.exp(min(math.log(each.rate) + log_seconds, _FURTHEST)) if each.rate else 0.0


def _most_wanted(classes: Sequence[Class], cache_bytes: float) -> list[float]:
    shares = [0.0] * len(classes)
    left = cache_bytes
    for place in sorted(range(len(classes)), key=lambda place: -classes[place].rate):
        taken = min(left, classes[place].size_bytes)
        shares[place] = taken / classes[place].size_bytes
        left -= taken
        if left <= 0:
            break
    return shares
