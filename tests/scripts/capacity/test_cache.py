"""Claims about what a cache makes of a catalogue."""

from __future__ import annotations

import pytest

from scripts.capacity.cache import Cache
from scripts.capacity.hits import Measured
from tests.scripts.capacity.made import CATALOGUE


def test_a_cache_of_nothing_asks_for_everything() -> None:
    cache = Cache(CATALOGUE, "lru")
    ratio, rest = cache.answers(0.0)
    assert ratio == pytest.approx(0.0, abs=1e-9)
    assert [each.rate for each in rest] == pytest.approx([each.rate for each in cache.classes])


def test_a_cache_of_everything_asks_for_nothing() -> None:
    cache = Cache(CATALOGUE, "lru")
    assert cache.bytes == 10**12
    ratio, rest = cache.answers(cache.bytes)
    assert ratio == 1.0
    assert not any(each.rate for each in rest)


def test_a_measured_curve_takes_the_place_of_the_policy() -> None:
    cache = Cache(CATALOGUE, "lru", Measured(((0.5, 0.7),)))
    ratio, rest = cache.answers(cache.bytes / 2)
    assert ratio == 0.7
    assert rest[0].rate == pytest.approx(cache.classes[0].rate * 0.3)


def test_each_size_is_reckoned_once() -> None:
    cache = Cache(CATALOGUE, "fifo")
    assert cache.answers(5.0) is cache.answers(5.0)
