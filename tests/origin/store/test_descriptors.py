"""Shared descriptors: never closed under a reader, never given out once forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin.store.descriptors import DescriptorCache, OpenCopy
from origin.store.volumes import OpenVolume
from origin.store.vouching import Vouched
from tests.origin.store.stores import make_volumes

A, B, C = ("a", 1, 0), ("b", 1, 0), ("c", 1, 0)


def copy(fd: int, volume: OpenVolume) -> OpenCopy:
    return OpenCopy(fd, volume, Vouched(fd, (), 0))


@pytest.fixture
def closed() -> list[int]:
    return []


@pytest.fixture
def volume(tmp_path: Path) -> OpenVolume:
    return OpenVolume(make_volumes(tmp_path, 1)[0])


def test_readers_share_a_descriptor(closed: list[int], volume: OpenVolume) -> None:
    cache = DescriptorCache(1, closed.append)
    first = cache.add(A, copy(10, volume))
    assert cache.get(A) is first
    assert cache.get(B) is None
    assert closed == []


def test_the_second_to_open_gets_the_first_ones(closed: list[int], volume: OpenVolume) -> None:
    cache = DescriptorCache(1, closed.append)
    assert cache.add(A, copy(10, volume)) is cache.add(A, copy(11, volume))
    assert closed == [11]


def test_idle_descriptors_beyond_the_bound_are_closed_oldest_first(
    closed: list[int], volume: OpenVolume
) -> None:
    cache = DescriptorCache(1, closed.append)
    held = [cache.add(key, copy(fd, volume)) for key, fd in ((A, 10), (B, 11), (C, 12))]
    assert closed == []
    for descriptor in held[:2]:
        cache.release(descriptor)
    assert closed == [10]
    assert len(cache) == 2
    again = cache.get(B)
    assert again is held[1]
    cache.release(held[2])
    assert closed == [10], "B is in use and does not count as idle"


def test_a_forgotten_one_is_closed_by_its_last_reader(
    closed: list[int], volume: OpenVolume
) -> None:
    cache = DescriptorCache(4, closed.append)
    held = cache.add(A, copy(10, volume))
    cache.get(A)
    cache.forget(A)
    assert cache.get(A) is None
    successor = cache.add(A, copy(20, volume))
    assert successor is not held
    cache.release(held)
    assert closed == []
    cache.release(held)
    assert closed == [10]


def test_clearing_closes_the_idle_at_once(closed: list[int], volume: OpenVolume) -> None:
    cache = DescriptorCache(4, closed.append)
    cache.release(cache.add(A, copy(10, volume)))
    busy = cache.add(B, copy(11, volume))
    cache.clear()
    assert closed == [10]
    cache.release(busy)
    assert closed == [10, 11]
