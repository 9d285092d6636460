"""Work in a thread: in order, a few pieces ahead, and over when it fails or is stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from origin.store.crc32c import Piece
from origin.store.strand import WAITING_MAX, Strand


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


async def test_pieces_are_worked_on_in_their_order(pool: ThreadPoolExecutor) -> None:
    done: list[Piece] = []
    strand = Strand(pool, done.append)
    pieces = [b"%d" % number for number in range(500)]
    for piece in pieces:
        await strand.give(piece)
    await strand.settle()
    assert done == pieces
    await strand.settle()


async def test_only_so_many_wait(pool: ThreadPoolExecutor) -> None:
    leave = threading.Event()
    held: list[bool] = []
    strand = Strand(pool, lambda piece: held.append(leave.wait(10)))
    for _ in range(WAITING_MAX + 1):
        await strand.give(b"")
    giving = asyncio.ensure_future(strand.give(b""))
    done, _ = await asyncio.wait([giving], timeout=0.05)
    assert not done
    leave.set()
    await giving
    await strand.settle()


async def test_what_the_work_raises_is_told_and_ends_it(pool: ThreadPoolExecutor) -> None:
    done: list[Piece] = []

    def work(piece: Piece) -> None:
        if piece == b"3":
            raise OSError("full")
        done.append(piece)

    strand = Strand(pool, work)

    async def give_all() -> None:
        for number in range(100):
            await strand.give(b"%d" % number)

    with pytest.raises(OSError, match="full"):
        await give_all()
    await strand.stop()
    assert done == [b"0", b"1", b"2"]


async def test_a_cancelled_wait_leaves_the_work_to_the_thread(pool: ThreadPoolExecutor) -> None:
    leave = threading.Event()
    done: list[Piece] = []

    def work(piece: Piece) -> None:
        assert leave.wait(10)
        done.append(piece)

    strand = Strand(pool, work)
    await strand.give(b"a")
    settling = asyncio.ensure_future(strand.settle())
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    stopping = asyncio.ensure_future(strand.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    leave.set()
    await stopping
    assert done == [b"a"]
