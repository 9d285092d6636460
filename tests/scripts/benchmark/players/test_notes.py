"""What is flat, and what is told of a run."""

from __future__ import annotations

import pytest

from scripts.benchmark.players.notes import (
    Notes,
    Sample,
    Start,
    Use,
    render,
    share_of,
    slowest,
    use_between,
)

MIB = 1 << 20


def samples(*memory_mib: int) -> list[Sample]:
    return [Sample(float(at), mib * MIB, 10, at / 4) for at, mib in enumerate(memory_mib)]


def test_use_is_told_by_the_first_and_the_last_third_of_a_part() -> None:
    use = use_between(samples(1, 50, 52, 60, 70, 54, 56, 900), 1, 7)
    assert use == Use(0.25, (51 * MIB, 55 * MIB), (10, 10))


def test_of_two_samples_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="too few"):
        use_between(samples(1, 2, 3, 4), 2, 9)


@pytest.mark.parametrize(
    ("memory_mib", "descriptors", "is_flat"),
    [
        ((50, 60), (100, 120), True),
        ((50, 67), (100, 100), False),
        ((500, 540), (100, 100), True),
        ((500, 551), (100, 100), False),
        ((50, 50), (100, 165), False),
        ((50, 50), (2000, 2190), True),
        ((60, 50), (100, 50), True),
    ],
)
def test_a_little_more_is_flat_and_much_more_is_not(
    memory_mib: tuple[int, int], descriptors: tuple[int, int], is_flat: bool
) -> None:
    before, after = memory_mib
    assert Use(0.1, (before * MIB, after * MIB), descriptors).is_flat == is_flat


def test_shares_are_of_the_sorted_values() -> None:
    assert share_of([0.003, 0.001, 0.002], 0.5) == 2.0
    assert share_of([0.001] * 99 + [0.5], 0.99) == 500.0
    assert share_of([], 0.5) == 0.0


def test_the_slowest_starts_are_told_by_their_parts() -> None:
    starts = [Start(0.01, 0.01, 0.01)] * 197 + [Start(1.0, 0.0, 0.5), Start(0.0, 3.0, 0.5)]
    assert slowest(starts, 0.01) == Start(0.5, 1.5, 0.5)
    assert slowest(starts[:3], 0.01) == Start(0.01, 0.01, 0.01)
    assert slowest([], 0.01).seconds == 0.0
    told = render({"quiet": (2.0, Notes(steps=starts))}, {"quiet": {}})
    assert "router 500, edge 1500, piece 500" in told


def test_problems_are_told_with_their_part() -> None:
    notes = Notes(starts=[0.01], pieces=[0.002, 0.004])
    notes.problems["other bytes than the film's"] += 3
    told = render({"quiet": (2.0, notes)}, {"quiet": {"edge": use_between(samples(1, 1, 1), 0, 3)}})
    assert "quiet: 3 times other bytes than the film's" in told
    assert "10.0, 10.0" in told
