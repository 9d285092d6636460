"""The ledger has every byte once, under its title and day, in bounded memory."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.wire import Traffic
from edge.ledger import Ledger, Row, day_of

NOON = 1_764_417_600.0
DAY = "2025-11-29"


def taken(ledger: Ledger) -> list[Row]:
    return ledger.take(1 << 20)


def test_bytes_add_up_by_title_and_kind_and_are_taken_once() -> None:
    ledger = Ledger(NOON)
    ledger.add(Traffic.EDGE, "a", 3)
    ledger.add(Traffic.ORIGIN, "a", 5)
    ledger.add(Traffic.EDGE, "a", 4)
    ledger.add(Traffic.EDGE, "b", 0)
    assert taken(ledger) == [Row(DAY, "a", Traffic.EDGE, 7), Row(DAY, "a", Traffic.ORIGIN, 5)]
    assert taken(ledger) == []


def test_a_day_ends_at_midnight_of_utc() -> None:
    ledger = Ledger(NOON)
    ledger.add(Traffic.EDGE, "a", 1)
    ledger.roll(NOON + 12 * 3600 - 0.001)
    ledger.add(Traffic.EDGE, "a", 1)
    ledger.roll(NOON + 12 * 3600)
    ledger.add(Traffic.EDGE, "a", 1)
    assert [(row.day, row.size_bytes) for row in taken(ledger)] == [(DAY, 2), ("2025-11-30", 1)]
    assert day_of(0) == "1970-01-01"


@pytest.mark.parametrize(
    ("target", "status", "to_edge", "row"),
    [
        (b"/films/a", 206, False, ("films/a", Traffic.EDGE)),
        (b"/films/a", 206, True, ("films/a", Traffic.SHIELD)),
        (b"/~tok/play/dive/1/x.m4s?CMCD=su", 200, False, ("dive", Traffic.EDGE)),
        (b"/films/a", 304, False, ("films/a", Traffic.EDGE)),
        (b"/made/up", 404, False, ("", Traffic.EDGE)),
        (b"/films/a", 502, True, ("", Traffic.SHIELD)),
        (b"/films/a", 0, False, ("", Traffic.EDGE)),
    ],
)
def test_an_answer_counts_for_what_was_served(
    target: bytes, status: int, to_edge: bool, row: tuple[str, Traffic]
) -> None:
    ledger = Ledger(NOON)
    ledger.sent(target, status, 9, to_edge=to_edge)
    assert taken(ledger) == [Row(DAY, *row, 9)]


@given(
    st.lists(st.tuples(st.sampled_from(list(Traffic)), st.text("abcdef", max_size=1))),
    st.integers(1, 8),
)
def test_no_byte_is_lost_however_many_titles_there_are(
    adds: list[tuple[Traffic, str]], rows_max: int
) -> None:
    ledger = Ledger(NOON, rows_max)
    for size_bytes, (kind, title) in enumerate(adds, 1):
        ledger.add(kind, title, size_bytes)
    expected: Counter[Traffic] = Counter()
    for size_bytes, (kind, _) in enumerate(adds, 1):
        expected[kind] += size_bytes
    found: Counter[Traffic] = Counter()
    for row in (rows := taken(ledger)):
        found[row.traffic] += row.size_bytes
    assert found == expected
    assert len(rows) <= rows_max + len(Traffic)
