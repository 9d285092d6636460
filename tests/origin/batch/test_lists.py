"""Rows become lists whatever the batches they come in."""

from __future__ import annotations

import pyarrow as pa
import pytest

from origin.batch.lists import profile_lists, region_lists
from origin.catalog.recommended import PROFILE, REGION, Item, TitleList


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lists_are_whole_across_batches(size: int) -> None:
    rows = pa.Table.from_pylist(
        [
            {"profile": profile, "account": account, "title": title, "score": score, "reason": "r"}
            for profile, account, titles in [("p", "a", "xyz"), ("q", "a", "x"), ("r", "b", "zy")]
            for score, title in zip((2_000_000, 500_000, 1), titles, strict=False)
        ]
    )
    scores = (2.0, 0.5, 0.000001)
    assert list(profile_lists(rows.to_batches(size))) == [
        TitleList(PROFILE, owner, account, tuple(map(Item, titles, scores, ["r"] * len(titles))))
        for owner, account, titles in [("p", "a", "xyz"), ("q", "a", "x"), ("r", "b", "zy")]
    ]


@pytest.mark.parametrize("size", [1, 100])
def test_regions_have_no_reasons(size: int) -> None:
    rows = pa.Table.from_pylist(
        [
            {"region": region, "title": title, "score": 1_000_000}
            for region, title in [("", "x"), ("", "y"), ("DE", "x")]
        ]
    )
    everywhere = TitleList(REGION, "", "", (Item("x", 1.0), Item("y", 1.0)))
    there = TitleList(REGION, "DE", "", (Item("x", 1.0),))
    assert list(region_lists(rows.to_batches(size))) == [everywhere, there]
    assert list(region_lists([])) == []
