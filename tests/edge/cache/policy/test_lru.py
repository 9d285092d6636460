from __future__ import annotations

from cachetools import LRUCache
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.index import BlockIndex
from edge.cache.policy.lru import Lru
from edge.cache.policy.slots import Unit
from tests.edge.cache.policy.replay import replay

CAPACITY = 5
units = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(st.lists(units, max_size=80))
def test_it_hits_when_cachetools_does(asked: list[Unit]) -> None:
    model: LRUCache[Unit, bool] = LRUCache(CAPACITY)
    expected = []
    for unit in asked:
        expected.append(model.get(unit, False))
        model[unit] = True
    index = BlockIndex(CAPACITY, lambda slots, _: Lru(slots))
    assert replay(index, asked) == expected
    assert index.ruling == "lru"
