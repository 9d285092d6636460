"""How much of what is spread by weighted rendezvous hashing changes hands, exactly.

A key belongs to the node whose draw, an exponential variable of the node's weight, is smallest
(`cdnkit.placement`). A node that owns a key before and after has beaten every other node both
times; so its chance follows from the weights alone, and no key has to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """What one node has of all keys: before, after, and of both the same keys."""

    name: str
    before: float
    after: float
    kept: float

    @property
    def gained(self) -> float:
        """Keys that come from other nodes."""
        return self.after - self.kept

    @property
    def lost(self) -> float:
        """Keys that go to other nodes."""
        return self.before - self.kept


def shares_of(before: Mapping[str, float], after: Mapping[str, float]) -> list[Share]:
    """The share of every node, given the weights by name; nodes come and go with their names."""
    totals = sum(before.values()), sum(after.values())
    return [
        Share(
            name,
            before.get(name, 0.0) / totals[0] if totals[0] else 0.0,
            after.get(name, 0.0) / totals[1] if totals[1] else 0.0,
            _kept(name, before, after),
        )
        for name in dict.fromkeys([*before, *after])
    ]


def share_moved(shares: list[Share]) -> float:
    """The part of all keys that another node has than before; 0 where there were none."""
    return sum(share.lost for share in shares)


def _kept(name: str, before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Chance that a key is this node's both times.

    With unit exponentials E it is so when E[name] / w[name] < E[other] / w[other] for both sets of
    weights: E[other] > E[name] * max(ratio before, ratio after), for every other node.
    """
    old, new = before.get(name, 0.0), after.get(name, 0.0)
    if not old or not new:
        return 0.0
    others = {*before, *after} - {name}
    rivals = sum(max(before.get(o, 0.0) / old, after.get(o, 0.0) / new) for o in others)
    return 1 / (1 + rivals)
