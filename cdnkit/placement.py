"""Which nodes a key belongs to: weighted rendezvous hashing (highest random weight).

Decides an order of nodes for every key that all processes agree on without speaking to each
other, in which a node that comes or goes moves only its own share. What a node is (a volume, an
edge of a site, a worker) and whether it is well is left to the caller.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import xxhash

from cdnkit.errors import BadRequestError

_UNIT: Final = 2.0**-52
_NOT_COUNTED: Final = 0xFFF


@dataclass(frozen=True, slots=True)
class Node:
    """A place for keys. Nodes of one `domain` fail together; no domain means: alone.

    Raises BadRequestError for a weight that is negative or not finite. Names must be unique.
    """

    name: str
    weight: float = 1.0
    domain: str = ""
    _salt: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise BadRequestError("the weight of a node must be a finite number, 0 or more")
        salt = xxhash.xxh3_64_digest(self.name.encode("utf-8", "surrogatepass"))
        object.__setattr__(self, "_salt", salt)

    def score(self, key: bytes) -> float:
        """How much this node wants the key; the chance to be highest goes with the weight."""
        drawn = xxhash.xxh3_64_intdigest(self._salt + key)
        # 52 bits and a half keep the fraction strictly between 0 and 1, where the logarithm is
        # neither infinite nor zero.
        return -self.weight / math.log(((drawn >> 12) + 0.5) * _UNIT)


def rank(key: bytes, nodes: Iterable[Node]) -> list[Node]:
    """All nodes with a weight above 0, the owner of `key` first, then who would inherit it."""
    scored = [(-node.score(key), node.name, node) for node in nodes if node.weight > 0]
    scored.sort(key=lambda entry: entry[:2])
    return [node for _, _, node in scored]


class Contest:
    """Who is first among nodes that stay the same, found without ordering the others.

    `winner` is `rank(key, nodes)[0]`. Among equal weights the highest draw has the highest score,
    so that neither logarithms nor a sort are needed: a fifth of the time of `rank` for ten nodes.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        """At least one node must have a weight above 0."""
        # By name, because the first of equals wins.
        self._nodes = sorted((each for each in nodes if each.weight > 0), key=lambda n: n.name)
        self._salted = [(node, node._salt) for node in self._nodes]
        self._is_level = len({node.weight for node in self._nodes}) == 1

    def winner(self, key: bytes) -> Node:
        """The owner of a key."""
        if not self._is_level:
            return max(self._nodes, key=lambda node: node.score(key))
        draw, owner, highest = xxhash.xxh3_64_intdigest, self._nodes[0], 0
        for node, salt in self._salted:
            drawn = draw(salt + key)
            # The last twelve bits do not count (`Node.score`): of two that differ in them only, the
            # first stays.
            if drawn > highest and drawn ^ highest > _NOT_COUNTED:
                owner, highest = node, drawn
        return owner


def place(key: bytes, nodes: Iterable[Node], copies: int) -> list[Node]:
    """Nodes for `copies` copies of `key`, in order of rank inside each round over the domains.

    No domain gets a second copy before every domain has one. Fewer nodes than copies: all.
    """
    seen: Counter[tuple[str, str]] = Counter()
    rounds: list[tuple[int, Node]] = []
    for node in rank(key, nodes):
        group = ("domain", node.domain) if node.domain else ("node", node.name)
        rounds.append((seen[group], node))
        seen[group] += 1
    rounds.sort(key=lambda entry: entry[0])
    return [node for _, node in rounds[: max(copies, 0)]]
