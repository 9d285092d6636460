"""The pacer's arithmetic: the rate is kept over any run of work, and pauses are not saved up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from origin.store.pacer import BURST_SECONDS, Pacer
from tests.helpers.clock import FakeClock

WORK = st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 10)), min_size=1, max_size=30)


@given(work=WORK, rate=st.integers(1, 10_000))
def test_no_stretch_of_work_is_faster_than_the_rate(
    work: list[tuple[int, float]], rate: int
) -> None:
    clock = FakeClock()
    pacer = Pacer(rate, clock, clock.advance)
    spent: list[tuple[float, int]] = []
    for size_bytes, idle_seconds in work:
        clock.advance(idle_seconds)
        began = clock()
        pacer.spend(size_bytes)
        spent.append((began, size_bytes))
        for first, (start, _) in enumerate(spent):
            total = sum(size for _, size in spent[first:])
            assert total <= (clock() - start + BURST_SECONDS) * rate + 1


def test_no_rate_never_waits() -> None:
    clock = FakeClock()
    before = clock()
    Pacer(0, clock, clock.advance).spend(10**12)
    assert clock() == before
