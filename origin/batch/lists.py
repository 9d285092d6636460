"""Rows of the generator as lists of titles, one after the other, however the rows are batched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from origin.batch.generator.terms import WHOLE
from origin.catalog.recommended import PROFILE, REGION, Item, TitleList

Batches = Iterable[pa.RecordBatch]


def profile_lists(batches: Batches) -> Iterator[TitleList]:
    """Lists of profiles, from rows in the order of profile and place."""
    for profile, rows in groupby(_rows(batches), itemgetter("profile")):
        first, *others = rows
        items = tuple(
            Item(row["title"], row["score"] / WHOLE, row["reason"]) for row in (first, *others)
        )
        yield TitleList(PROFILE, profile, first["account"], items)


def region_lists(batches: Batches) -> Iterator[TitleList]:
    """Lists of regions, from rows in the order of region and place."""
    for region, rows in groupby(_rows(batches), itemgetter("region")):
        items = tuple(Item(row["title"], row["score"] / WHOLE) for row in rows)
        yield TitleList(REGION, region, "", items)


def _rows(batches: Batches) -> Iterator[dict[str, Any]]:
    return chain.from_iterable(batch.to_pylist() for batch in batches)
