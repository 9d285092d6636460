"""Orders and receipts as rows, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cdnkit.wire import ChangeKind, ReceiptState
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.catalog.orders import KEPT_SECONDS, Orders, ReceiptRow
from tests.helpers.clock import FakeClock


@pytest.fixture
async def catalog(database_url: str) -> AsyncIterator[Catalog]:
    opened = await open_catalog(parse_database_url(database_url, Path()), FakeClock())
    yield opened
    await opened.close()


async def add(orders: Orders, order_id: str, kind: ChangeKind = ChangeKind.PURGE) -> None:
    await orders.add(order_id, kind, "ann", {"all": True}, {"all": True}, ["e1", "e2"])


def done(order_id: str, at: float, worker: int = 0) -> ReceiptRow:
    return ReceiptRow(order_id, "e1", worker, 2, ReceiptState.DONE, at, {"bytes": 1})


async def test_an_order_stands_in_the_journal_with_all_an_edge_needs(catalog: Catalog) -> None:
    orders = Orders(catalog, FakeClock())
    await add(orders, "x")
    (change,) = await catalog.changes_after(0, 10)
    assert (change.kind, change.key) == (ChangeKind.PURGE, "")
    assert change.detail == {"order": "x", "all": True}
    row = await orders.find("x", [ChangeKind.PURGE])
    assert row is not None
    assert (row.sequence, row.edges, row.made_by) == (change.sequence, ("e1", "e2"), "ann")
    assert await orders.find("x", [ChangeKind.WARM]) is None
    assert await orders.find("y", [ChangeKind.PURGE]) is None


async def test_pages_go_from_the_newest_to_the_oldest(catalog: Catalog) -> None:
    orders = Orders(catalog, FakeClock())
    for order_id in "abc":
        await add(orders, order_id)
    await add(orders, "w", ChangeKind.WARM)
    first = await orders.page([ChangeKind.PURGE], 1 << 62, 2)
    rest = await orders.page([ChangeKind.PURGE], first[-1].sequence, 2)
    assert [row.id for row in [*first, *rest]] == ["c", "b", "a"]


async def test_the_first_done_of_a_worker_counts_and_unknown_orders_leave_nothing(
    catalog: Catalog,
) -> None:
    orders = Orders(catalog, FakeClock())
    await add(orders, "x")
    working = ReceiptRow("x", "e1", 0, 2, ReceiptState.WORKING, 1.0, {"bytes": 0})
    await orders.take([working, done("gone", 1.0)])
    await orders.take([done("x", 2.0), done("x", 3.0, worker=1)])
    await orders.take([done("x", 9.0), working])
    said = await orders.receipts_of(["x", "gone"])
    assert {(row.worker, row.state, row.at) for row in said} == {
        (0, ReceiptState.DONE, 2.0),
        (1, ReceiptState.DONE, 3.0),
    }


async def test_an_order_is_forgotten_with_its_receipts_in_the_end(database_url: str) -> None:
    clock = FakeClock()
    catalog = await open_catalog(parse_database_url(database_url, Path()), clock)
    orders = Orders(catalog, clock)
    await add(orders, "x")
    await orders.take([done("x", 2.0)])
    clock.advance(KEPT_SECONDS + 1)
    await add(orders, "y")
    assert await orders.find("x", [ChangeKind.PURGE]) is None
    assert await orders.receipts_of(["x"]) == []
    await catalog.close()


async def test_two_origins_of_one_database_see_the_same(database_url: str) -> None:
    url = parse_database_url(database_url, Path())
    one, two = await open_catalog(url, FakeClock()), await open_catalog(url, FakeClock())
    here, there = Orders(one, FakeClock()), Orders(two, FakeClock())
    await add(here, "x")
    await there.take([done("x", 2.0)])
    await asyncio.gather(here.saw({"e1"}), there.saw({"e1", "e2"}))
    assert [row.order_id for row in await here.receipts_of(["x"])] == ["x"]
    assert (await here.seen(0.0)).keys() == (await there.seen(0.0)).keys() == {"e1", "e2"}
    await two.catch_up()
    assert [change.detail["order"] for change in two.journal.after(0, 9) or ()] == ["x"]
    await one.close()
    await two.close()
