"""Which edges of ours are asked for an object before the upstreams of its route. Pure.

Inside a site that shares, each object has one owner, by weighted rendezvous hashing over the
site's edges; behind the owner stand the shields of the site, behind those the upstreams. Nobody
asks sideways twice: an owner asks shields, a shield asks upstreams only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdnkit.fields import Pair
from cdnkit.placement import Node, rank
from edge.onward import nodes_passed


@dataclass(frozen=True, slots=True)
class Tiers:
    """The place of one edge, `me`, in its topology.

    `members` are the edges that share the objects of its site, this one among them; none when the
    site does not share. `shields` come in the order in which they are asked.
    """

    me: str
    members: tuple[Node, ...] = ()
    shields: tuple[str, ...] = ()
    is_shield: bool = False

    @property
    def peers(self) -> tuple[str, ...]:
        """The other edges that share the site's objects."""
        return tuple(node.name for node in self.members if node.name != self.me)

    @property
    def inner(self) -> tuple[str, ...]:
        """Every edge this one may ever ask; their places are the numbers of `first`."""
        return self.peers + self.shields

    def owner_of(self, target: bytes) -> str | None:
        """The edge of the site that keeps an object for the others; None when none does."""
        ranked = rank(target.partition(b"?")[0], self.members)
        return ranked[0].name if ranked else None

    def is_asked_for(self, target: bytes) -> bool:
        """Whether other edges come here with this target, as far as this one knows."""
        return self.is_shield or self.owner_of(target) == self.me

    def first(self, target: bytes, pairs: Sequence[Pair]) -> list[int]:
        """Numbers of the edges to ask first, for a request with these fields."""
        if not self.inner:
            return []
        passed, peers = nodes_passed(pairs), self.peers
        if passed.intersection(self.shields):
            return []
        shields = list(range(len(peers), len(self.inner)))
        owner = self.owner_of(target)
        if owner is None or owner == self.me or passed.intersection(peers):
            return shields
        return [peers.index(owner), *shields]
