"""Memory of pieces is used again, but never under somebody who still looks at it."""

from __future__ import annotations

import ctypes
import mmap

from origin.store.piece_memory import PiecePool, may_be_kept
from origin.store.sums import PIECE_BYTES


def address_of(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def test_memory_is_used_again_once_no_view_of_it_is_left() -> None:
    pool = PiecePool()
    first = pool.take()
    assert len(first) == PIECE_BYTES
    at = address_of(first)
    assert at % mmap.PAGESIZE == 0
    part = first[100:200].toreadonly()
    del first
    assert address_of(pool.take()) != at
    del part
    assert at in {address_of(view) for view in (pool.take(), pool.take())}


def test_no_more_is_kept_than_agreed() -> None:
    pool = PiecePool(kept_max=2)
    held = [pool.take() for _ in range(5)]
    assert len({address_of(view) for view in held}) == 5
    assert len(pool._kept) == 2


def test_only_what_cannot_change_is_kept_without_a_copy() -> None:
    assert may_be_kept(b"film")
    assert may_be_kept(PiecePool().take()[3:7])
    assert not may_be_kept(bytearray(b"film"))
    assert not may_be_kept(memoryview(bytearray(b"film")))
