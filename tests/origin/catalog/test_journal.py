"""The journal's tail: its limits and its wake-up."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.wire import ChangeKind
from origin.catalog.journal import Journal
from origin.catalog.records import Change


def change(sequence: int) -> Change:
    return Change(sequence, 0.0, ChangeKind.PUBLISH, "a", sequence, "", {})


@given(count=st.integers(0, 40), tail=st.integers(1, 5), after=st.integers(0, 45))
def test_tail_answers_whole_or_not_at_all(count: int, tail: int, after: int) -> None:
    journal = Journal([], 0, tail)
    for sequence in range(1, count + 1):
        journal.append(change(sequence))
    assert journal.last == count
    found = journal.after(after, 100)
    if found is None:
        assert after < count - tail, "the newest ones are always at hand"
    else:
        assert [each.sequence for each in found] == list(range(after + 1, count + 1))
        assert journal.after(after, 2) == found[:2]


async def test_every_waiter_is_woken_by_the_change_it_waits_for() -> None:
    journal = Journal([], 5)
    waiters = [asyncio.create_task(journal.wait_beyond(n, 55)) for n in (5, 5, 6)]
    await asyncio.sleep(0)
    assert not any(waiter.done() for waiter in waiters)
    journal.append(change(6))
    await asyncio.wait_for(asyncio.gather(*waiters[:2]), 5)
    assert not waiters[2].done()
    journal.append(change(7))
    await asyncio.wait_for(waiters[2], 5)


async def test_nothing_is_waited_for_when_it_is_there_or_time_is_up_or_closed() -> None:
    journal = Journal([change(6)], 5)
    await journal.wait_beyond(5, 55)
    await journal.wait_beyond(6, 0)
    waiter = asyncio.create_task(journal.wait_beyond(6, 55))
    await asyncio.sleep(0)
    journal.close()
    await asyncio.wait_for(waiter, 5)
    await journal.wait_beyond(6, 55)
