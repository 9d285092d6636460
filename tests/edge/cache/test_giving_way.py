"""What gives way has a niceness of its own, above whatever the process was given."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.cache.giving_way import NICENESS, giving_way

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness there")

NICEST = 19


def niceness() -> int:
    """That of the thread that asks."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def of_a_thread_that_gives_way() -> int:
    with giving_way("gives-way") as executor:
        return executor.submit(niceness).result(5)


def as_the_service_manager_started_it(by: int, then: Callable[[], int]) -> int:
    """What comes of it on a thread that is nicer than the process."""

    def run() -> int:
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, niceness() + by)
        return then()

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(run).result(5)


def test_the_thread_gives_way_and_nobody_else_does() -> None:
    before = niceness()
    assert of_a_thread_that_gives_way() == min(before + NICENESS, NICEST)
    assert niceness() == before


@pytest.mark.parametrize("given", [3, NICEST - NICENESS, NICEST])
def test_what_a_service_manager_gave_the_process_is_added_to(given: int) -> None:
    expected = min(niceness() + given, NICEST) + NICENESS
    found = as_the_service_manager_started_it(given, of_a_thread_that_gives_way)
    assert found == min(expected, NICEST)


def test_where_it_is_forbidden_the_work_is_done_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbid)
    assert of_a_thread_that_gives_way() == niceness()


def test_where_threads_have_no_niceness_the_process_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert of_a_thread_that_gives_way() == niceness()


def test_one_thread_does_everything_in_the_order_of_asking() -> None:
    done: list[tuple[int, int]] = []

    def note(number: int) -> None:
        done.append((number, threading.get_ident()))

    with giving_way("gives-way") as executor:
        for number in range(20):
            executor.submit(note, number)
    assert [number for number, _ in done] == list(range(20))
    assert len({thread for _, thread in done}) == 1
