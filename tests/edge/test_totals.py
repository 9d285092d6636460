"""Totals of workers add up, and survive the way between processes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.totals import Totals, add_up
from tests.edge.conftest import Edge, eventually

names = st.sampled_from(["hit", "miss", "fills", ""])
numbers = st.integers(0, 1 << 60)
all_totals = st.builds(
    Totals,
    st.dictionaries(st.tuples(names, names, st.integers(100, 599)), numbers).map(Counter),
    st.dictionaries(st.tuples(names, names), numbers).map(Counter),
    st.dictionaries(names, numbers).map(Counter),
    st.dictionaries(names, numbers).map(Counter),
    players=st.dictionaries(st.tuples(names, names), numbers).map(Counter),
    rooms=st.dictionaries(st.tuples(names, names, names), numbers).map(Counter),
)


@given(all_totals)
def test_totals_are_the_same_after_the_way(totals: Totals) -> None:
    assert Totals.from_bytes(totals.to_bytes()) == totals


@given(st.lists(all_totals, max_size=4))
def test_a_sum_has_every_count_of_every_worker(found: list[Totals]) -> None:
    total = add_up(found)
    for name in ("requests", "sent_bytes", "counts", "levels", "rooms"):
        parts: list[Counter[Any]] = [getattr(each, name) for each in found]
        summed: Counter[Any] = getattr(total, name)
        assert set(summed) == {key for part in parts for key in part}
        for key, count in summed.items():
            assert count == sum(part[key] for part in parts)


async def test_what_a_worker_did_is_in_its_totals(edge: Edge) -> None:
    edge.origin.put("/a", b"film" * 100)
    client = await edge.client()
    for _ in range(3):
        await client.ask("/a")
    counters = edge.worker.accounts.counters
    await eventually(lambda: sum(counters.requests.values()) == 3, "all are counted")
    await eventually(lambda: edge.worker.holdings.held_blocks == 1, "the block is on disk")
    total = edge.totals()
    assert total.requests == {("miss", "cold", 200): 1, ("hit", "", 200): 2}
    assert total.counts["connections"] == total.levels["open_connections"] == 1
    assert total.levels["held_bytes"] == total.counts["fill_bytes"] == 400
    assert set(total.without_levels().levels) == set()
