"""Titles are told by their requests, positions by how many come so far."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.index import BlockIndex
from edge.cache.policy.learned import NO_KIND, format_learned, parse_learned, strongest
from edge.cache.policy.slots import Unit
from edge.cache.policy.titlelfu import TitleLfu
from tests.edge.cache.policy.replay import replay, request

HALF_LIFE = 100.0
HOT, COLD, OTHER = 1, 2, 3


def titles(capacity: int = 4) -> BlockIndex:
    return BlockIndex(capacity, lambda slots, _: TitleLfu(slots, HALF_LIFE))


def held(index: BlockIndex, number: int, blocks: int = 20) -> list[int]:
    return [block for block in range(blocks) if (number, block) in index]


def test_a_block_never_asked_for_is_let_in_for_its_titles_sake() -> None:
    index = titles()
    for number in (HOT, COLD, OTHER):
        index.expect(number, 4)
    replay(index, [(COLD, 0), (COLD, 1), (COLD, 2), (OTHER, 0)])
    for _ in range(9):
        request(index, (HOT, 0))
    assert not request(index, (HOT, 1))
    assert request(index, (HOT, 1))


def test_what_nobody_else_asks_for_does_not_come_in() -> None:
    index = titles()
    replay(index, [(HOT, block) for block in range(4)] * 2)
    for number in range(100, 200):
        request(index, (number, 0), 8)
    assert held(index, HOT) == [0, 1, 2, 3]
    assert index.evictions == {}


def test_the_end_of_the_coldest_title_leaves_first() -> None:
    index = titles(6)
    for number in (HOT, COLD):
        index.expect(number, 20)
        replay(index, [(number, 2), (number, 0), (number, 1)])
    for _ in range(3):
        index.hit((HOT, 0), 3)
    assert [index.pop(4) for _ in range(6)] == [
        *((COLD, 2), (COLD, 1), (COLD, 0)),
        *((HOT, 2), (HOT, 1), (HOT, 0)),
    ]


def test_old_requests_are_forgotten_by_halves() -> None:
    index = titles(2)
    for _ in range(4):
        request(index, (COLD, 0), 0)
    request(index, (OTHER, 0), 0)
    # Four requests three half-lives ago are half a request; two of now are more.
    request(index, (HOT, 0), 3 * HALF_LIFE)
    request(index, (HOT, 1), 3 * HALF_LIFE)
    assert (held(index, HOT), held(index, OTHER), held(index, COLD)) == ([0, 1], [], [])


def test_a_title_is_known_after_its_last_block_has_gone() -> None:
    index = titles(2)
    for _ in range(8):
        request(index, (HOT, 0), 0)
    index.remove((HOT, 0))
    replay(index, [(COLD, 0), (OTHER, 0)])
    assert not request(index, (HOT, 0), 2)
    assert request(index, (HOT, 0), 2)


def test_a_film_is_weighed_by_what_each_of_its_blocks_is_asked_for() -> None:
    index = titles(3)
    index.expect(HOT, 100)
    # Fifty requests over a film of a hundred blocks are half a request for each.
    for block in range(50):
        index.miss((HOT, block), 10, 0)
    replay(index, [(COLD, 0), (OTHER, 0), (OTHER, 0), (4, 0)])
    assert not index.miss((HOT, 60), 1, 0)


def test_pinned_blocks_are_passed_over_when_the_last_one_is_looked_for() -> None:
    index = titles(4)
    replay(index, [(HOT, block) for block in range(4)])
    index.pin((HOT, 3))
    index.pin((HOT, 1))
    assert [index.pop(9), index.pop(9), index.pop(9)] == [(HOT, 2), (HOT, 0), None]
    index.unpin((HOT, 3), 9)
    assert index.pop(9) == (HOT, 3)


def test_names_of_titles_that_nobody_asks_for_are_not_kept_for_ever() -> None:
    made: list[TitleLfu] = []

    def make(slots: object, _: int) -> TitleLfu:
        made.append(TitleLfu(slots, HALF_LIFE))  # type: ignore[arg-type]
        return made[0]

    index = BlockIndex(4, make)
    for _ in range(50):
        request(index, (HOT, 0))
    for number in range(10, 60_000):
        index.miss((number, 0), 9, 0)
        if number % 1_000 == 0:
            index.hit((HOT, 0), 0)
    known = dict(made[0].lengths())
    assert len(known) <= 16_384 + 1
    assert HOT in known


def test_what_a_restart_found_is_worth_a_request_a_block() -> None:
    index = titles(6)
    index.expect(HOT, 4)
    assert index.admit_all(HOT, [0, 1, 2, 3], 1, 50)
    request(index, (COLD, 0), 50)
    request(index, (OTHER, 0), 50)
    for number in range(100, 120):
        request(index, (number, 0), 50)
    assert held(index, HOT) == [0, 1, 2, 3]


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "remove", "pin", "unpin", "pop"]),
        st.tuples(st.integers(0, 4), st.integers(0, 9)),
        st.integers(1, 3),
    ),
    max_size=150,
)


@given(steps)
def test_whatever_happens_the_bytes_are_right_and_pins_stay(
    steps: list[tuple[str, Unit, int]],
) -> None:
    index = titles(12)
    sizes: dict[Unit, int] = {}
    pinned: set[Unit] = set()
    for now, (what, unit, size) in enumerate(steps):
        gone: list[Unit] = []
        if what == "ask" and not index.hit(unit, now) and index.miss(unit, size, now):
            victims = index.admit(unit, size, now)
            if victims is not None:
                sizes[unit] = size
                gone = victims
        elif what == "remove":
            index.remove(unit)
            gone = [unit]
            pinned.discard(unit)
        elif what == "pin" and index.pin(unit):
            pinned.add(unit)
        elif what == "unpin":
            index.unpin(unit, now)
            pinned.discard(unit)
        elif what == "pop" and (victim := index.pop(now)) is not None:
            gone = [victim]
        assert not pinned & {*gone}
        for each in gone:
            sizes.pop(each, None)
        assert index.held_bytes == sum(sizes.values()) <= 12
        assert len(index) == len(sizes)
        assert index.pinned_bytes == sum(sizes[each] for each in pinned)
        assert all(each in index for each in sizes)


def test_a_long_run_keeps_the_heap_in_bounds() -> None:
    chance = random.Random(5)
    index = titles(50)
    for now in range(20_000):
        number = min(int(chance.paretovariate(0.7)), 300)
        request(index, (number, chance.randrange(20)), now / 50)
    assert index.held_bytes == 50
    assert len({number for number in range(301) if held(index, number)}) > 1


def another_life(index: BlockIndex, at: float, now: float, half_life: float) -> BlockIndex:
    """An empty cache whose rule knows what the rule of `index` had learned at `at`."""
    record = format_learned({name: strongest(each) for name, each in index.learned(at).items()})
    other = BlockIndex(4, lambda slots, _: TitleLfu(slots, half_life))
    other.relearn(parse_learned(record), now)
    return other


@pytest.mark.parametrize(
    ("away", "half_life", "requests"),
    [(0.0, HALF_LIFE, 17), (HALF_LIFE, HALF_LIFE, 9), (HALF_LIFE, HALF_LIFE / 2, 5)],
)
def test_scores_outlive_the_process_and_age_meanwhile(
    away: float, half_life: float, requests: int
) -> None:
    """Sixteen requests count half after each half-life away, those of the new life in full."""
    index = titles(0)
    for _ in range(16):
        request(index, (HOT, 0), 1_000.0)
    now = 1_000.0 + away
    other = another_life(index, 1_000.0, now, half_life)
    for block in range(4):
        other.admit((HOT, block), 1, now)
    other.expect(HOT, 4)
    other.expect(COLD, 4)
    tries = 0
    while not (other.miss((COLD, 0), 1, now)):
        tries += 1
    assert tries + 1 == requests


def test_a_clock_that_was_set_back_makes_no_title_stronger_than_it_was() -> None:
    index = titles(0)
    request(index, (HOT, 0), 1_000 * HALF_LIFE)
    other = another_life(index, 1_000 * HALF_LIFE, HALF_LIFE, HALF_LIFE)
    for block in range(4):
        other.admit((HOT, block), 1, HALF_LIFE)
    other.miss((COLD, 0), 1, HALF_LIFE)
    assert other.miss((COLD, 0), 1, HALF_LIFE)


def test_what_a_start_finds_keeps_the_score_it_had() -> None:
    index = titles(0)
    for _ in range(3):
        request(index, (HOT, 0))
    for block in range(4):
        request(index, (COLD, block))
    other = another_life(index, 0.0, 0.0, HALF_LIFE)
    other.expect(HOT, 4)
    other.expect(COLD, 4)
    assert other.admit_all(COLD, range(2), 1, 0.0)
    assert other.admit_all(HOT, range(2), 1, 0.0)
    # By what is held alone both would be alike.
    assert other.pop(0.0) == (HOT, 1)


def test_more_titles_are_remembered_than_a_start_would_make_room_for() -> None:
    index = titles(20_000)
    for number in range(20_000):
        request(index, (number, 0))
    learned = another_life(index, 0.0, 0.0, HALF_LIFE).learned(0.0)[NO_KIND]
    assert len(strongest(learned).numbers) == 20_000
