"""A hunt counts, tells findings apart, cuts them short, and sees what takes too long."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from scripts.fuzz.hunt import Hunt, attempt, hunt
from scripts.fuzz.target import Target


class RefusedError(Exception):
    pass


def read(data: bytes) -> None:
    if b"bad" in data:
        raise ZeroDivisionError("here")
    if b"worse" in data:
        raise KeyError("there")
    if b"no" in data:
        raise RefusedError


def ticking(step: float = 0.001) -> Callable[[], float]:
    steps = itertools.count()
    return lambda: next(steps) * step


def hunted(*inputs: bytes, seconds: float = 1e9) -> Hunt:
    target = Target("t", read, [b"seed"], (), (RefusedError,))
    return hunt(target, iter(inputs), seconds, ticking(), ticking())


def test_executions_and_refusals_are_counted_and_the_seeds_come_first() -> None:
    found = hunted(b"a", b"no", b"no")
    assert (found.executions, found.refused, found.findings) == (4, 2, [])


def test_each_place_is_one_finding_cut_short() -> None:
    found = hunted(b"xxxxbadxxx", b"bad", b"yyworseyy")
    assert [each.data for each in found.findings] == [b"bad", b"worse"]
    assert [each.place.split(" ")[0] for each in found.findings] == [
        "ZeroDivisionError",
        "KeyError",
    ]


def test_it_ends_with_its_time() -> None:
    assert hunted(*[b"a"] * 100_000, seconds=0.05).executions < 100


def test_what_takes_too_long_is_a_finding_even_when_it_is_refused() -> None:
    target = Target("t", read, [], (), (RefusedError,), seconds_max=0.5)
    for data in (b"a", b"no"):
        found = attempt(target, data, ticking(1.0))
        assert found is not None
        assert found.place == "slow"
