"""The contest finds the rule for the traffic, whatever is asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from edge.cache.index import BlockIndex
from edge.cache.policy.duel import Duel
from edge.cache.policy.learned import NO_KIND, format_learned, parse_learned, strongest
from edge.cache.policy.slots import Unit
from tests.edge.cache.policy.replay import request

HOUR = 3600.0


def films(count: int, seed: int) -> Iterator[Unit]:
    """Titles with a popularity that stays, watched from the beginning, most not to the end."""
    chance = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(200)]
    while count > 0:
        (number,) = chance.choices(range(200), weights)
        for block in range(min(int(chance.expovariate(1 / 12)) + 1, 30)):
            yield number, block
            count -= 1


def fashions(count: int, seed: int) -> Iterator[Unit]:
    """Objects that are asked for often, for a short while and never again."""
    chance = random.Random(seed)
    for step in range(count):
        yield 1_000 + step // 10 + min(int(chance.expovariate(0.02)), 300), 0


def duel(capacity: int) -> BlockIndex:
    return BlockIndex(capacity, lambda slots, size: Duel(slots, size, 72 * HOUR))


def test_films_are_ruled_by_titles_and_hardly_written() -> None:
    index, lru = duel(300), BlockIndex(300)
    for now, unit in enumerate(films(40_000, 1)):
        request(index, unit, now * 10)
        request(lru, unit, now * 10)
    assert index.ruling == "titlelfu"
    written = sum(each.blocks for each in index.evictions.values())
    assert written * 5 < lru.evictions["lru"].blocks


def test_fashions_are_ruled_by_lru() -> None:
    index = duel(300)
    for now, unit in enumerate(fashions(20_000, 1)):
        request(index, unit, now)
    assert index.ruling == "lru"
    assert set(index.evictions) == {"titlelfu", "lru"}


def test_the_rule_follows_the_traffic() -> None:
    index = duel(300)
    now = 0.0
    seen = []
    for traffic in (films(20_000, 1), fashions(20_000, 2), films(40_000, 3)):
        for unit in traffic:
            now += 10
            request(index, unit, now)
        seen.append(index.ruling)
    assert seen == ["titlelfu", "lru", "titlelfu"]


@pytest.mark.parametrize("capacity", [300, 40_000])
def test_it_is_as_good_as_the_rule_it_chose(capacity: int) -> None:
    # The larger one holds more than a shadow may, so that only a part of it is sampled.
    index, lru = duel(capacity), BlockIndex(capacity)
    asked = [*fashions(10_000, 4)]
    if capacity > 10_000:
        asked = [(number * 8 + block, block) for number, _ in asked for block in range(8)]
    hits = lru_hits = 0
    for now, unit in enumerate(asked):
        hits += request(index, unit, now)
        lru_hits += request(lru, unit, now)
    assert hits >= lru_hits * 0.97


def test_a_restart_and_pins_keep_both_orders_in_step() -> None:
    index = duel(8)
    index.expect(1, 6)
    assert index.admit_all(1, range(6), 1, 0)
    index.pin((1, 0))
    for number in range(2, 40):
        request(index, (number, 0), number)
        request(index, (number, 0), number)
    index.remove((1, 0))
    while index.pop(99) is not None:
        pass
    assert (len(index), index.held_bytes) == (0, 0)


@pytest.mark.parametrize(("traffic", "ruling"), [(films, "titlelfu"), (fashions, "lru")])
def test_a_restart_changes_no_rule(
    traffic: Callable[[int, int], Iterator[Unit]], ruling: str
) -> None:
    """The contest goes on where it was, and is not decided by who fills its shadow first."""
    units, index = list(traffic(30_000, 1)), duel(300)
    for now, unit in enumerate(units[:20_000]):
        request(index, unit, now)
    assert index.ruling == ruling
    other = duel(300)
    learned = {name: strongest(each) for name, each in index.learned(20_000).items()}
    other.relearn(parse_learned(format_learned(learned)), 20_000)
    for now, unit in enumerate(units[20_000:], 20_000):
        request(other, unit, now)
        assert other.ruling == ruling


def test_a_sample_stays_as_thin_as_it_was() -> None:
    index = duel(20_000)
    for block in range(9_000):
        request(index, (1, block), 0)
    contest = index.learned(0)[NO_KIND].contest
    assert contest is not None
    other = duel(20_000)
    other.relearn(index.learned(0), 0)
    again = other.learned(0)[NO_KIND].contest
    assert again == contest
    assert contest.every == 4
