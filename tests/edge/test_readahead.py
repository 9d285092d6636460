"""Which blocks are asked for: enough, once, and not much more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.readahead import (
    SEEK_WINDOW_BLOCKS,
    WINDOW_BLOCKS,
    Session,
    first_part,
    next_session,
    plan_run,
    wants_block,
    window_at,
)

counts = st.integers(1, 120)
aheads = st.integers(0, 20)


@st.composite
def readers(draw: st.DrawFn) -> tuple[set[int], int, int, int, int]:
    """Blocks at hand, cursor, stop, count, ahead."""
    count = draw(counts)
    cursor = draw(st.integers(0, count))
    stop = draw(st.integers(cursor, count))
    return draw(st.sets(st.integers(0, count))), cursor, stop, count, draw(aheads)


@given(readers())
def test_a_run_is_contiguous_missing_wanted_and_inside_the_object(
    reader: tuple[set[int], int, int, int, int],
) -> None:
    held, cursor, stop, count, ahead = reader
    run = plan_run(held.__contains__, cursor, stop, count, ahead)
    if run is None:
        return
    first, last = run
    assert cursor <= first < last <= count
    for block in range(first, last):
        assert block not in held
        # What is asked for is what a fill goes on for: no run is cut as soon as it begins.
        assert wants_block(block, cursor, stop, ahead)


@given(readers())
def test_no_reader_waits_for_a_block_that_nobody_asked_for(
    reader: tuple[set[int], int, int, int, int],
) -> None:
    held, cursor, stop, count, ahead = reader
    if cursor < stop and cursor not in held:
        run = plan_run(held.__contains__, cursor, stop, count, ahead)
        assert run is not None
        assert run[0] == cursor


@given(readers())
def test_after_a_run_there_is_enough_or_a_gap_beyond_it(
    reader: tuple[set[int], int, int, int, int],
) -> None:
    held, cursor, stop, count, ahead = reader
    runs = 0
    while (run := plan_run(held.__contains__, cursor, stop, count, ahead)) is not None:
        held |= set(range(*run))
        runs += 1
        assert runs <= WINDOW_BLOCKS + ahead
    needed = range(cursor, min(stop, cursor + WINDOW_BLOCKS // 2))
    assert all(block in held for block in needed)


@given(counts, aheads)
def test_a_sequential_reader_fetches_every_block_once_in_few_requests(
    count: int, ahead: int
) -> None:
    held: set[int] = set()
    requests = 0
    for cursor in range(count):
        run = plan_run(held.__contains__, cursor, count, count, ahead)
        if run is not None:
            assert held.isdisjoint(range(*run))
            held |= set(range(*run))
            requests += 1
        assert cursor in held
        assert max(held) < cursor + WINDOW_BLOCKS + ahead
    assert held == set(range(count))
    assert requests <= 1 + count // (WINDOW_BLOCKS // 2)


@given(counts, aheads, st.data())
def test_one_block_costs_no_more_than_itself_and_what_lies_ahead(
    count: int, ahead: int, data: st.DataObject
) -> None:
    cursor = data.draw(st.integers(0, count - 1))
    held: set[int] = set()
    while (run := plan_run(held.__contains__, cursor, cursor + 1, count, ahead)) is not None:
        held |= set(range(*run))
    assert held == set(range(cursor, min(cursor + 1 + ahead, count)))


@pytest.mark.parametrize(
    ("block", "wanted"), [(3, False), (4, True), (9, True), (11, True), (12, False)]
)
def test_a_block_behind_the_cursor_or_beyond_the_read_ahead_is_of_no_use(
    block: int, wanted: bool
) -> None:
    assert wants_block(block, cursor=4, stop=10, ahead=2) is wanted


def test_a_long_reader_wants_no_more_than_its_window() -> None:
    assert wants_block(WINDOW_BLOCKS + 1, cursor=0, stop=1000, ahead=2)
    assert not wants_block(WINDOW_BLOCKS + 2, cursor=0, stop=1000, ahead=2)


offsets = st.integers(0, 10**9)
blocks = st.sampled_from([1, 100, 1 << 16])


@given(offsets, st.one_of(st.none(), st.integers(1, 10**9)), blocks, aheads)
def test_a_first_part_is_whole_blocks_that_begin_with_the_byte_wanted(
    first: int, length: int | None, block: int, ahead: int
) -> None:
    stop = None if length is None else first + length
    start, end = first_part(first, stop, block, ahead)
    assert start % block == end % block == 0
    assert start <= first < start + block <= end
    assert (end - start) // block <= WINDOW_BLOCKS + ahead


@given(offsets, st.integers(1, 10**9), blocks, aheads)
def test_a_first_part_is_what_is_wanted_and_the_read_ahead_and_no_more(
    first: int, length: int, block: int, ahead: int
) -> None:
    start, end = first_part(first, first + length, block, ahead)
    wanted_blocks = -(-(first + length) // block) - first // block
    ahead = min(ahead, max(1, -(-length // block)))
    assert end - start == (min(wanted_blocks, WINDOW_BLOCKS) + ahead) * block


@given(st.integers(0, 5000), st.one_of(st.none(), st.integers(1, 5000)), aheads)
def test_a_first_part_is_what_a_reader_of_known_content_would_have_asked_for(
    first: int, length: int | None, ahead: int
) -> None:
    count, block = 10_000, 100
    stop = None if length is None else first + length
    start, end = first_part(first, stop, block, ahead)
    stop_block = count if stop is None else -(-stop // block)
    window = window_at(0, stop is None and first > 0)
    if stop is not None:
        ahead = next_session(None, first, stop, block, ahead, is_late=False).ahead
    run = plan_run(lambda _: False, first // block, stop_block, count, ahead, window)
    assert run == (start // block, end // block)


@given(st.integers(1, 200), st.integers(1, 20))
def test_a_reader_after_a_seek_loses_nothing_by_beginning_small(count: int, ahead: int) -> None:
    held: set[int] = set()
    for cursor in range(count):
        window = window_at(cursor, is_seek=True)
        run = plan_run(held.__contains__, cursor, count, count, ahead, window)
        if run is not None:
            # It was asked for before the reader came to the end of what is held.
            assert cursor == 0 or run[0] > cursor
            held |= set(range(*run))
        assert cursor in held
        if cursor == 0:
            assert len(held) <= SEEK_WINDOW_BLOCKS + ahead
    assert window_at(WINDOW_BLOCKS, is_seek=True) == window_at(0, is_seek=False) == WINDOW_BLOCKS


STEP = 250
"""Bytes of a step of the sessions below: three blocks of 100."""


def steps(session: Session, count: int, late: int = 0) -> Session:
    for number in range(count):
        session = next_session(
            session, session.stop, session.stop + STEP, 100, 12, is_late=number < late
        )
    return session


def test_one_step_is_fetched_ahead_until_reading_has_gone_on_for_long() -> None:
    first = next_session(None, 1000, 1000 + STEP, 100, 12, is_late=True)
    assert first.ahead == 3
    assert steps(first, 60).ahead == 3
    assert steps(first, 70).ahead == 6
    assert steps(first, 700).ahead == 12


def test_what_came_too_late_is_fetched_earlier_up_to_the_bound() -> None:
    first = next_session(None, 0, STEP, 100, 12, is_late=False)
    assert [steps(first, 4, late).ahead for late in range(4)] == [3, 6, 12, 12]


def test_a_seek_begins_anew() -> None:
    session = steps(next_session(None, 0, STEP, 100, 12, is_late=False), 5, late=5)
    assert session.ahead == 12
    assert next_session(session, 10_000, 10_000 + STEP, 100, 12, is_late=True).ahead == 3


@given(offsets, st.integers(1, 10**6), st.integers(0, 64), st.booleans())
def test_never_more_than_the_bound_is_ahead(start: int, size: int, most: int, late: bool) -> None:
    session = next_session(None, start, start + size, 100, most, is_late=late)
    for _ in range(5):
        session = next_session(session, session.stop, session.stop + size, 100, most, is_late=late)
        assert 0 <= session.ahead <= most


def at_times(*times: float, late_at: float | None = None) -> Session:
    """A sequential session that asked at these times, for what was late at one of them."""
    session = None
    for now in times:
        stop = STEP if session is None else session.stop + STEP
        late = now == late_at
        session = next_session(session, stop - STEP, stop, 100, 12, is_late=late, now=now)
    assert session is not None
    return session


def test_a_player_that_keeps_a_pace_is_given_half_of_it_to_leave() -> None:
    assert at_times(5).wait_seconds == 0
    assert at_times(5, 9).wait_seconds == 2
    assert at_times(5, 5).wait_seconds == 0
    assert at_times(5, 9, 15).wait_seconds == 3
    assert at_times(5, 905).wait_seconds == 10


def test_who_had_to_wait_for_what_was_fetched_late_is_not_kept_waiting_again() -> None:
    assert at_times(5, 9, 13, late_at=13).wait_seconds == 0
    assert at_times(5, 9, 13, 17, 21, late_at=13).wait_seconds == 0
    late = at_times(5, 9, late_at=9)
    assert next_session(late, 0, STEP, 100, 12, is_late=False, now=10).is_hasty is False
