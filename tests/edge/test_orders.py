"""Orders are obeyed once, in order, and every one is answered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from cdnkit.wire import ReceiptState
from edge.cache.sharing import Alone
from edge.orders import Orders
from edge.receipts import Identity
from edge.refreshing import Refreshing
from edge.unfinished import UnfinishedOrders
from tests.edge.conftest import Edge, eventually
from tests.edge.test_purging import DETAIL, targets_of

WHO = Identity("edge-1", 0, 1, "")


class Said:
    def __init__(self) -> None:
        self.states: list[tuple[str, ReceiptState]] = []

    def say(self, order: str, state: ReceiptState, progress: object = None) -> None:
        self.states.append((order, state))


async def test_an_order_told_twice_is_obeyed_once_and_said_twice(edge: Edge) -> None:
    client = await edge.client()
    edge.origin.put("/films/a", b"content")
    holdings = edge.worker.holdings
    refreshing = Refreshing(holdings, lambda entry, target, request: None)
    nothing = cast(Any, None)
    orders = Orders(holdings, targets_of, refreshing, nothing, nothing, WHO, lambda: 0.0)
    said: Any = Said()
    for _ in range(2):
        await client.ask("/films/a")
        await orders.obey("purge", {**DETAIL, "order": "x", "all": True}, said)
    assert said.states == [("x", ReceiptState.DONE)] * 2
    assert list(holdings.entries) == [b"/films/a"]


@pytest.mark.parametrize("kind", ["purge", "paint"])
async def test_what_is_not_understood_has_failed_and_is_tried_again(edge: Edge, kind: str) -> None:
    client = await edge.client()
    edge.origin.put("/films/a", b"content")
    await client.ask("/films/a")
    holdings = edge.worker.holdings
    refreshing = Refreshing(holdings, lambda entry, target, request: None)
    nothing = cast(Any, None)
    orders = Orders(holdings, targets_of, refreshing, nothing, nothing, WHO, lambda: 0.0)
    said: Any = Said()
    for _ in range(2):
        await orders.obey(kind, {"order": "x"}, said)
    assert said.states == [("x", ReceiptState.FAILED)] * 2
    mark = holdings.entries[b"/films/a"].mark
    assert holdings.trust.doubts(mark, is_followed=False) is (kind == "purge")


async def test_an_order_for_other_edges_is_none_of_ours(edge: Edge) -> None:
    holdings = edge.worker.holdings
    refreshing = Refreshing(holdings, lambda entry, target, request: None)
    nothing = cast(Any, None)
    orders = Orders(holdings, targets_of, refreshing, nothing, nothing, WHO, lambda: 0.0)
    said: Any = Said()
    detail = {"order": "x", "edges": ["edge-2"], "objects": []}
    await orders.obey("warm", detail, said)
    assert said.states == []


class Slow(Alone):
    """Some worker has not heard yet of what went."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def passed(self) -> None:
        await self.heard.wait()


async def test_a_purge_is_said_to_be_done_when_all_who_borrowed_have_heard(edge: Edge) -> None:
    holdings, slow = edge.worker.holdings, Slow()
    holdings.sharing = slow
    refreshing = Refreshing(holdings, lambda entry, target, request: None)
    nothing = cast(Any, None)
    orders = Orders(holdings, targets_of, refreshing, nothing, nothing, WHO, lambda: 0.0)
    said: Any = Said()
    obeying = asyncio.ensure_future(
        orders.obey("purge", {**DETAIL, "order": "x", "all": True}, said)
    )
    await asyncio.wait({obeying}, timeout=0.05)
    assert not obeying.done()
    assert said.states == []
    slow.heard.set()
    await obeying
    assert said.states == [("x", ReceiptState.DONE)]


WARM = {
    "order": "w",
    "objects": [{"key": "a", "stop_bytes": None}],
    "bytes_per_second": 0,
    "concurrency": 1,
}


class Teller(Said):
    """Receipts for an origin, which come at once."""

    origin = "http://origin"

    is_heard = True
    is_over = False

    async def told(self) -> bool:
        """Whether they are there."""
        await asyncio.sleep(0)
        return self.is_heard


class Patient:
    """Warms when it is let."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began = 0

    async def warm(self, order: object, say: Any, now: float) -> None:
        self.began += 1
        await self.go.wait()
        say(ReceiptState.DONE, {})


def warming_orders(edge: Edge, warming: Patient, path: Path) -> Orders:
    holdings, nothing = edge.worker.holdings, cast(Any, None)
    refreshing = Refreshing(holdings, lambda entry, target, request: None)
    whole = (holdings, targets_of, refreshing, cast(Any, warming), nothing, WHO)
    return Orders(*whole, lambda: 0.0, UnfinishedOrders(path))


async def test_a_warm_that_was_interrupted_is_taken_up_and_told_of_once_it_is_done(
    edge: Edge, tmp_path: Path
) -> None:
    path, said = tmp_path / "unfinished.json", Teller()
    first = warming_orders(edge, Patient(), path)
    await first.obey("warm", WARM, cast(Any, said))
    await first.close()
    assert said.states == []

    again = Patient()
    second = warming_orders(edge, again, path)
    await second.take_up([cast(Any, said)])
    await second.obey("warm", WARM, cast(Any, said))
    again.go.set()
    await eventually(lambda: said.states == [("w", ReceiptState.DONE)], "it is done")
    assert again.began == 1
    await eventually(lambda: not UnfinishedOrders(path).read(), "it is over")

    third = warming_orders(edge, again, path)
    await third.take_up([cast(Any, said)])
    assert again.began == 1


async def test_a_warm_that_is_told_of_late_is_over_then(edge: Edge, tmp_path: Path) -> None:
    path, said, warming = tmp_path / "unfinished.json", Teller(), Patient()
    said.is_heard = False
    orders = warming_orders(edge, warming, path)
    await orders.obey("warm", WARM, cast(Any, said))
    warming.go.set()
    await eventually(lambda: said.states == [("w", ReceiptState.DONE)], "it is done")
    assert list(UnfinishedOrders(path).read()) == ["w"]
    said.is_heard = True
    await eventually(lambda: not UnfinishedOrders(path).read(), "it is told of")
    await orders.close()


class Broken(Patient):
    """Makes a mistake."""

    async def warm(self, order: object, say: Any, now: float) -> None:
        say(ReceiptState.WORKING, {})
        raise AssertionError("planted")


async def test_a_warm_that_fails_by_a_mistake_of_ours_is_told_of(
    edge: Edge, tmp_path: Path
) -> None:
    path, said = tmp_path / "unfinished.json", Teller()
    orders = warming_orders(edge, Broken(), path)
    with capture_logs() as logs:
        await orders.obey("warm", WARM, cast(Any, said))
        await eventually(lambda: not orders._tasks, "it is over")
    assert said.states == [("w", ReceiptState.WORKING), ("w", ReceiptState.FAILED)]
    assert [line["event"] for line in logs] == ["order failed"]
    assert not UnfinishedOrders(path).read()


async def test_a_warm_that_could_not_be_told_of_is_taken_up_again(
    edge: Edge, tmp_path: Path
) -> None:
    path, said, warming = tmp_path / "unfinished.json", Teller(), Patient()
    said.is_heard, said.is_over = False, True
    orders = warming_orders(edge, warming, path)
    await orders.obey("warm", WARM, cast(Any, said))
    warming.go.set()
    await eventually(lambda: said.states == [("w", ReceiptState.DONE)], "it is done")
    await orders.close()
    assert list(UnfinishedOrders(path).read()) == ["w"]


async def test_what_no_followed_origin_asked_for_is_not_taken_up(
    edge: Edge, tmp_path: Path
) -> None:
    path, said, warming = tmp_path / "unfinished.json", Teller(), Patient()
    kept = UnfinishedOrders(path)
    await kept.add("w", "http://elsewhere", WARM)
    await kept.add("x", said.origin, {"order": "x"})
    orders = warming_orders(edge, warming, path)
    await orders.take_up([cast(Any, said)])
    assert warming.began == 0
    assert UnfinishedOrders(path).read() == {}
