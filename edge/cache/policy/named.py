"""Rules by the names that settings and `cinedge simulate` use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.cache.index import MakeOrder
from edge.cache.policy.duel import Duel
from edge.cache.policy.fifo import Fifo
from edge.cache.policy.lru import Lru
from edge.cache.policy.order import Order, Slots
from edge.cache.policy.s3fifo import S3Fifo
from edge.cache.policy.second_request import WINDOW_SECONDS, SecondRequest
from edge.cache.policy.sieve import Sieve
from edge.cache.policy.titlelfu import HALF_LIFE_SECONDS, TitleLfu

POLICIES: Final = ("lru", "fifo", "sieve", "s3fifo", "titlelfu", "duel")
ADMISSIONS: Final = ("all", "second")


@dataclass(frozen=True, slots=True)
class Rule:
    """Which rule, with which admission in front of it."""

    policy: str = "lru"
    admission: str = "all"
    window_seconds: float = WINDOW_SECONDS
    half_life_seconds: float = HALF_LIFE_SECONDS

    def __str__(self) -> str:
        return self.policy if self.admission == "all" else f"{self.policy}+{self.admission}"


def parse_rule(text: str, window_seconds: float, half_life_seconds: float) -> Rule:
    """`lru` or `lru+second`. Raises ValueError."""
    policy, plus, admission = text.partition("+")
    admission = admission if plus else "all"
    if policy not in POLICIES:
        raise ValueError(f"no policy is called {policy!r}; there are {', '.join(POLICIES)}")
    if admission not in ADMISSIONS:
        raise ValueError(f"no admission is called {admission!r}; there are all and second")
    return Rule(policy, admission, window_seconds, half_life_seconds)


def order_maker(rule: Rule) -> MakeOrder:
    """What makes a rule for an index."""

    def make(slots: Slots, capacity_bytes: int) -> Order:
        order = _plain(rule, slots, capacity_bytes)
        return order if rule.admission == "all" else SecondRequest(order, rule.window_seconds)

    return make


def _plain(rule: Rule, slots: Slots, capacity_bytes: int) -> Order:
    match rule.policy:
        case "lru":
            return Lru(slots)
        case "fifo":
            return Fifo(slots)
        case "sieve":
            return Sieve(slots)
        case "s3fifo":
            return S3Fifo(slots, capacity_bytes)
        case "titlelfu":
            return TitleLfu(slots, rule.half_life_seconds)
        case "duel":
            return Duel(slots, capacity_bytes, rule.half_life_seconds)
    raise ValueError(f"no policy is called {rule.policy!r}")
