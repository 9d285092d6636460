"""Inputs follow from the seed of chance, differ, and stay small."""

from __future__ import annotations

from random import Random

from scripts.fuzz.mutate import BYTES_MAX, Mutator

SEEDS = [b"GET / HTTP/1.1", b"", b"\0\0\0\1"]


def made(seed: int, count: int = 500) -> list[bytes]:
    mutator = Mutator(Random(seed), SEEDS, [b"WORD"])
    return [mutator.make() for _ in range(count)]


def test_the_same_seed_makes_the_same_inputs() -> None:
    assert made(1) == made(1)
    assert made(1) != made(2)


def test_inputs_differ_hold_words_and_are_bounded() -> None:
    inputs = made(3, 3000)
    assert len(set(inputs)) > 2000
    assert any(b"WORD" in each for each in inputs)
    assert any(b"HTTP/1.1" in each for each in inputs)
    assert max(map(len, inputs)) <= BYTES_MAX


def test_without_a_seed_there_is_the_empty_one() -> None:
    assert Mutator(Random(1), [], []).seeds == [b""]
