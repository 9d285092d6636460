from __future__ import annotations

from edge.cache.index import BlockIndex
from edge.cache.policy.lru import Lru
from edge.cache.policy.second_request import SecondRequest
from tests.edge.cache.policy.replay import replay, request

WINDOW = 100.0


def index_of(capacity: int) -> BlockIndex:
    return BlockIndex(capacity, lambda slots, _: SecondRequest(Lru(slots), WINDOW))


def test_while_there_is_room_everything_is_kept() -> None:
    assert replay(index_of(2), [(1, 0), (2, 0), (1, 0), (2, 0)]) == [False, False, True, True]


def test_a_full_cache_takes_what_is_asked_for_a_second_time() -> None:
    index = index_of(2)
    replay(index, [(1, 0), (2, 0), (3, 0)])
    assert (3, 0) not in index
    request(index, (3, 0), 3)
    assert (3, 0) in index
    assert index.ruling == "lru"


def test_a_request_is_remembered_for_the_window_and_not_for_ever() -> None:
    index = index_of(1)
    request(index, (9, 0), 0)
    request(index, (3, 0), 1)
    assert index.miss((3, 0), 1, 1 + WINDOW)
    assert not index.miss((4, 0), 1, 1 + WINDOW)
    assert not index.miss((4, 0), 1, 1 + 4 * WINDOW)


def test_a_scan_writes_nothing_and_is_rarely_mistaken() -> None:
    index = index_of(1)
    request(index, (9, 0), 0)
    mistaken = sum(index.miss((number, 7), 1, 1) for number in range(10, 50_010))
    assert mistaken < 50
    assert sum(index.miss((number, 7), 1, 2) for number in range(10, 50_010)) == 50_000
