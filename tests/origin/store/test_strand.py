"""Work in a thread: in order, a few pieces ahead, and over when it fails or is stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from origin.store.crc32c import Piece
from origin.store.strand import PIECES_IN_A_GO, WAITING_MAX, Strand


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
    strand: Strand[Piece] = Strand(pool, lambda piece: held.append(leave.wait(10)))
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


async def test_several_hands_work_at_the_same_time(pool: ThreadPoolExecutor) -> None:
    together = threading.Barrier(3)
    met: list[int] = []
    strand: Strand[int] = Strand(pool, lambda _: met.append(together.wait(10)), hands=3)
    for number in range(3):
        await strand.give(number)
    await strand.settle()
    assert sorted(met) == [0, 1, 2]


async def test_who_gives_may_go_on_while_half_of_it_waits(pool: ThreadPoolExecutor) -> None:
    begun, leave = threading.Semaphore(0), threading.Semaphore(0)

    def work(_: int) -> None:
        begun.release()
        assert leave.acquire(timeout=10)

    strand = Strand(pool, work, waiting_max=lambda: 4)
    for number in range(5):
        await strand.give(number)
        if not number:
            await asyncio.to_thread(begun.acquire)
    giving = asyncio.ensure_future(strand.give(5))
    await asyncio.sleep(0)
    leave.release()
    await asyncio.to_thread(begun.acquire)
    await asyncio.sleep(0)
    assert not giving.done()
    leave.release()
    async with asyncio.timeout(5):
        await giving
    leave.release(4)
    await strand.settle()


async def test_a_thread_makes_room_for_others_after_some_pieces() -> None:
    with ThreadPoolExecutor(1) as pool:
        done: list[str] = []
        enter = threading.Event()
        held = pool.submit(enter.wait, 10)
        strand = Strand(pool, done.append, waiting_max=lambda: 10 * PIECES_IN_A_GO)
        for _ in range(2 * PIECES_IN_A_GO):
            await strand.give("mine")
        other = pool.submit(done.append, "another's")
        enter.set()
        await strand.settle()
        assert held.result()
        other.result()
    assert done.index("another's") == PIECES_IN_A_GO


async def test_an_error_of_one_hand_is_told_and_the_others_end(pool: ThreadPoolExecutor) -> None:
    together, leave = threading.Barrier(2), threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        together.wait(10)
        if number == 0:
            raise OSError("full")
        assert leave.wait(10)
        done.append(number)

    strand = Strand(pool, work, hands=2)
    for number in range(2):
        await strand.give(number)
    stopping = asyncio.ensure_future(strand.settle())
    await asyncio.sleep(0)
    leave.set()
    with pytest.raises(OSError, match="full"):
        await stopping
    await strand.stop()
    assert done == [1]
