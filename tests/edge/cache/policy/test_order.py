from __future__ import annotations

from edge.cache.index import BlockIndex
from edge.cache.policy.order import RingOrder
from tests.edge.cache.policy.replay import replay


def test_a_plain_ring_lets_the_oldest_go_whatever_is_used() -> None:
    index = BlockIndex(2, lambda slots, _: RingOrder(slots))
    assert replay(index, [(1, 0), (2, 0), (1, 0), (3, 0), (1, 0)]) == [
        *(False, False, True, False, False),
    ]
