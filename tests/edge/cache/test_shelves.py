"""Every shelf has one owner, whatever the number of workers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.shelves import ALL_SHELVES, SHELVES, mark_of, owner_of, parse_mark, shelves_of


@given(st.integers(1, SHELVES))
def test_workers_share_all_shelves_out_evenly(workers: int) -> None:
    shares = [shelves_of(number, workers) for number in range(workers)]
    assert [shelf for share in shares for shelf in share] == list(ALL_SHELVES)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for number, share in enumerate(shares):
        assert {owner_of(f"{shelf:02x}beef", workers) for shelf in share} == {number}


@given(st.integers(1, SHELVES), st.data())
def test_a_mark_names_its_shelves(workers: int, data: st.DataObject) -> None:
    shelves = shelves_of(data.draw(st.integers(0, workers - 1)), workers)
    assert parse_mark(mark_of(shelves)) == shelves


@pytest.mark.parametrize(
    "name", ["", "cleaner", "clean-", "clean-0-7f", "clean-80-7f", "clean-00-100", "00", "aside"]
)
def test_other_names_are_no_marks(name: str) -> None:
    assert parse_mark(name) is None
