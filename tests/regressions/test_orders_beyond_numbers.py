"""An order with a number like 1e999, or a page of the journal that is none, ended who reads it.

JSON has numbers that no integer is, and nesting without end. `python -m scripts.fuzz order` found
the order; the pages were found by looking at who else reads JSON so.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from cdnkit.wire import ReceiptState
from config.topology import Address, OriginNode, Route
from edge.orders import Orders
from edge.refreshing import Refreshing
from tests.edge.conftest import Asked, Edge, Plan, eventually, plain_answer
from tests.edge.conftest import edge as edge
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan
from tests.edge.test_orders import WHO, Said
from tests.edge.test_purging import targets_of

NO_PAGES = (
    *(b"[]", b"7", b'{"changes":["x"],"last":1}', b'{"changes":[],"last":1e999}'),
    b"[" * 100_000,
)


async def test_such_an_order_has_failed(edge: Edge) -> None:
    holdings = edge.worker.holdings
    refreshing = Refreshing(holdings, lambda entry, target, request: None)
    nothing, said = cast(Any, None), cast(Any, Said())
    orders = Orders(holdings, targets_of, refreshing, nothing, nothing, WHO, lambda: 0.0)
    order = '{"order": "x", "objects": [], "bytes_per_second": 1e999, "concurrency": 1}'
    await orders.obey("warm", json.loads(order), said)
    assert said.states == [("x", ReceiptState.FAILED)]


@pytest.mark.parametrize("page", NO_PAGES, ids=range(len(NO_PAGES)))
async def test_after_such_a_page_the_journal_is_asked_again(
    plan: Plan, page: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.feed._RETRY_SECONDS", 0.01)
    asked_times = 0

    async def serve(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal asked_times
        asked_times += 1
        writer.write(plain_answer("200 OK", page, "Content-Type: application/json"))

    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=plan.origin.url),)
    plan.routes = (Route("/"),)
    plan.origin.scripts["/v1/changes"] = serve
    plan.origin.put("/v1/content/a", b"content")
    async with plan.start() as edge:
        await eventually(lambda: asked_times > 2, "the journal is asked again")
        assert (await (await edge.client()).ask("/a")).body == b"content"
