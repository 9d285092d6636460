from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.index import BlockIndex
from edge.cache.policy.sieve import Sieve
from edge.cache.policy.slots import Unit
from tests.edge.cache.policy.replay import replay

CAPACITY = 4
A, B, C, D, E = ((number, 0) for number in range(5))
units = st.tuples(st.integers(0, 3), st.integers(0, 2))


class Reference:
    """The paper's algorithm 1 on a list, newest first; the hand is a place in it."""

    def __init__(self) -> None:
        self.queue: list[Unit] = []
        self.visited: set[Unit] = set()
        self.hand: Unit | None = None

    def request(self, unit: Unit) -> bool:
        if unit in self.queue:
            self.visited.add(unit)
            return True
        if len(self.queue) == CAPACITY:
            self._evict()
        self.queue.insert(0, unit)
        return False

    def _evict(self) -> None:
        place = len(self.queue) - 1 if self.hand is None else self.queue.index(self.hand)
        while self.queue[place] in self.visited:
            self.visited.remove(self.queue[place])
            place = place - 1 if place else len(self.queue) - 1
        self.hand = self.queue[place - 1] if place else None
        del self.queue[place]


def sieve() -> BlockIndex:
    return BlockIndex(CAPACITY, lambda slots, _: Sieve(slots))


@given(st.lists(units, max_size=120))
def test_it_hits_when_the_papers_algorithm_does(asked: list[Unit]) -> None:
    model = Reference()
    assert replay(sieve(), asked) == [model.request(unit) for unit in asked]


def test_the_hand_survives_the_removal_of_where_it_rests() -> None:
    index = sieve()
    replay(index, [A, B, C, D, A, B])
    assert index.pop(0) == C
    index.remove(D)
    assert [index.pop(0), index.pop(0), index.pop(0)] == [A, B, None]
    assert index.ruling == "sieve"
