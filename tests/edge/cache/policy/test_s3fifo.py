from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.index import BlockIndex
from edge.cache.policy.s3fifo import S3Fifo
from edge.cache.policy.slots import Unit
from tests.edge.cache.policy.replay import replay, request

CAPACITY = 10
units = st.tuples(st.integers(0, 5), st.integers(0, 3))


class Reference:
    """The paper's figure on lists, oldest first, for units of one byte."""

    def __init__(self) -> None:
        self.trial: list[Unit] = []
        self.main: list[Unit] = []
        self.ghosts: list[Unit] = []
        self.uses: dict[Unit, int] = {}

    def request(self, unit: Unit) -> bool:
        if unit in self.uses:
            self.uses[unit] = min(self.uses[unit] + 1, 3)
            return True
        while len(self.uses) >= CAPACITY:
            self._evict()
        if unit in self.ghosts:
            self.ghosts.remove(unit)
            self.main.append(unit)
        else:
            self.trial.append(unit)
        self.uses[unit] = 0
        return False

    def _evict(self) -> None:
        if self.trial and (not self.main or len(self.trial) > CAPACITY // 10):
            unit = self.trial.pop(0)
            if self.uses[unit] >= 2:
                self.uses[unit] = 0
                self.main.append(unit)
            else:
                del self.uses[unit]
                self.ghosts.append(unit)
                self.ghosts = self.ghosts[-(CAPACITY - CAPACITY // 10) :]
        else:
            unit = self.main.pop(0)
            if self.uses[unit]:
                self.uses[unit] -= 1
                self.main.append(unit)
            else:
                del self.uses[unit]


def s3fifo() -> BlockIndex:
    return BlockIndex(CAPACITY, S3Fifo)


@given(st.lists(units, max_size=200))
def test_it_hits_when_the_papers_algorithm_does(asked: list[Unit]) -> None:
    model = Reference()
    assert replay(s3fifo(), asked) == [model.request(unit) for unit in asked]


def test_what_failed_its_trial_and_is_asked_for_again_is_kept_longer() -> None:
    index = s3fifo()
    replay(index, [(1, block) for block in range(CAPACITY + 1)])
    assert (1, 0) not in index
    request(index, (1, 0))
    replay(index, [(2, block) for block in range(CAPACITY)])
    assert (1, 0) in index


def test_what_a_restart_found_has_had_its_trial() -> None:
    index = s3fifo()
    assert index.admit_all(1, [0, 1, 2], 1, 0)
    replay(index, [(2, block) for block in range(CAPACITY)])
    assert all((1, block) in index for block in range(3))


def test_removed_units_leave_no_bytes_behind() -> None:
    index = s3fifo()
    for _ in range(3):
        replay(index, [(1, block) for block in range(CAPACITY)])
        for block in range(CAPACITY):
            index.remove((1, block))
    assert (len(index), index.held_bytes, index.pop(0)) == (0, 0, None)
