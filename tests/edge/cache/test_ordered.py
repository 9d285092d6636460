"""Tasks of one name keep their order; those of others need not wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from edge.cache.ordered import OrderedTasks


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def test_a_task_never_overtakes_the_one_before_of_its_name(threads: ThreadPoolExecutor) -> None:
    tasks, done, gate = OrderedTasks(), list[int](), threading.Event()

    def first() -> None:
        gate.wait(5)
        done.append(0)

    submitted = [tasks.submit(threads, "a", first)]
    submitted += [tasks.submit(threads, "a", partial(done.append, n)) for n in range(1, 100)]
    gate.set()
    for task in submitted:
        task.result(5)
    assert done == list(range(100))


def test_tasks_of_other_names_go_on(threads: ThreadPoolExecutor) -> None:
    tasks, gate = OrderedTasks(), threading.Event()
    waiting = tasks.submit(threads, "a", lambda: gate.wait(5))
    assert tasks.submit(threads, "b", lambda: 7).result(5) == 7
    gate.set()
    assert waiting.result(5)


def test_a_failure_is_its_own_tasks_only(threads: ThreadPoolExecutor) -> None:
    tasks = OrderedTasks()

    def fail() -> int:
        raise OSError("full")

    failing, next_task = tasks.submit(threads, "a", fail), tasks.submit(threads, "a", lambda: 1)
    with pytest.raises(OSError, match="full"):
        failing.result(5)
    assert next_task.result(5) == 1


def test_finished_names_are_forgotten(threads: ThreadPoolExecutor) -> None:
    tasks = OrderedTasks()
    for number in range(5000):
        tasks.submit(threads, str(number), int).result(5)
    assert len(tasks._last) <= 256


def test_threads_that_have_ended_fail_the_task() -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(RuntimeError):
        OrderedTasks().submit(threads, "a", int).result(5)


def test_a_task_goes_where_the_one_before_of_its_name_is_waiting() -> None:
    tasks, gate, done = OrderedTasks(), threading.Event(), list[str]()
    with ThreadPoolExecutor(1) as slow, ThreadPoolExecutor(1) as quick:
        slow.submit(gate.wait, 5)
        first = tasks.submit(slow, "a", partial(done.append, "first"))
        second = tasks.submit(quick, "a", partial(done.append, "second"))
        # No thread of these waits for what has not begun there.
        assert tasks.submit(quick, "b", lambda: 7).result(5) == 7
        assert not done
        gate.set()
        second.result(5)
        assert first.done()
        assert done == ["first", "second"]
        again = tasks.submit(quick, "a", lambda: threading.current_thread().name)
        assert again.result(5) == quick.submit(lambda: threading.current_thread().name).result(5)


def test_a_task_given_up_before_it_began_holds_up_nothing_after_it() -> None:
    tasks, gate, done = OrderedTasks(), threading.Event(), list[int]()
    with ThreadPoolExecutor(2) as threads:
        running = tasks.submit(threads, "a", partial(gate.wait, 5))
        other = threads.submit(gate.wait, 5)
        waiting = [tasks.submit(threads, "a", partial(done.append, n)) for n in range(3)]
        assert waiting[0].cancel()
        assert waiting[1].cancel()
        gate.set()
        assert running.result(5)
        assert other.result(5)
        waiting[2].result(5)
        tasks.submit(threads, "a", partial(done.append, 3)).result(5)
    assert done == [2, 3]
