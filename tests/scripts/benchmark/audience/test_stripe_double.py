"""Every customer is charged once for the subscription that it began."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scripts.benchmark.audience.stripe_double import wrong_charges


@given(st.lists(st.integers(0, 3), max_size=10))
def test_only_one_charge_each_is_right(counts: list[int]) -> None:
    charges = [
        {"customer": f"customer {number}"}
        for number, count in enumerate(counts)
        for _ in range(count)
    ]
    assert (wrong_charges(charges, len(counts)) == []) == all(count == 1 for count in counts)
