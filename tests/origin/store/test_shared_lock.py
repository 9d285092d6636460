"""Many share it at the same time, and nobody has it beside who has it alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from origin.store.shared_lock import SharedLock


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def test_those_who_share_have_it_at_the_same_time(pool: ThreadPoolExecutor) -> None:
    lock, together = SharedLock(), threading.Barrier(3)

    def share() -> int:
        with lock.shared():
            return together.wait(10)

    sharing = [pool.submit(share) for _ in range(3)]
    assert sorted(each.result() for each in sharing) == [0, 1, 2]


def test_who_wants_it_alone_waits_and_goes_before_those_who_come_later(
    pool: ThreadPoolExecutor,
) -> None:
    lock, leave, order = SharedLock(), threading.Event(), list[str]()

    def share(name: str) -> None:
        with lock.shared():
            order.append(name)
            assert leave.wait(10)
            order.append(f"{name} left")

    def be_alone() -> None:
        with lock.alone():
            order.append("alone")

    first = pool.submit(share, "first")
    while not order:
        pass
    alone = pool.submit(be_alone)
    while not lock._wanting_alone:
        pass
    later = pool.submit(share, "later")
    leave.set()
    for each in (first, alone, later):
        each.result(10)
    assert order == ["first", "first left", "alone", "later", "later left"]


def test_nobody_is_beside_who_has_it_alone(pool: ThreadPoolExecutor) -> None:
    lock, inside, worst = SharedLock(), list[str](), list[list[str]]()

    def enter(kind: str) -> None:
        with lock.alone() if kind == "alone" else lock.shared():
            inside.append(kind)
            if "alone" in inside and len(inside) > 1:
                worst.append(list(inside))
            inside.remove(kind)

    for each in [pool.submit(enter, "alone" if n % 3 else "shared") for n in range(600)]:
        each.result(10)
    assert worst == []


def test_it_is_free_again_after_an_error() -> None:
    lock = SharedLock()
    for held in (lock.shared, lock.alone):
        with pytest.raises(OSError, match="full"), held():
            raise OSError("full")
    with lock.alone():
        pass
    with lock.shared():
        pass
