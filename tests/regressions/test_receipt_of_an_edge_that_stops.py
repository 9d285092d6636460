"""An edge that stopped before its receipt for a purge was out kept its place behind the order.

Started again it never heard of the order, and never said that it was done; and the stop had taken
five seconds. A scenario drawn by chance found it.
"""

from __future__ import annotations

import asyncio

import pytest

from cdnkit.wire import ReceiptState
from config.topology import Address, OriginNode, Route
from edge.receipts import Identity, Receipts
from tests.edge.conftest import Origin, Plan, eventually, says
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan
from tests.edge.test_feed import CONTENT, FILM, KEY, PATH, Journal, caught_up, purge_of


@pytest.fixture
def followed(plan: Plan) -> Plan:
    origin = plan.origin
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=origin.url),)
    plan.routes = (Route("/"),)
    origin.put(CONTENT, FILM)
    return plan


async def test_it_is_said_after_the_next_start(followed: Plan) -> None:
    journal = Journal(followed.origin)
    followed.origin.scripts["/v1/receipts"] = says("503 No", b"")
    async with followed.start() as edge:
        client = await edge.client()
        await client.ask(PATH)
        journal.add(purge_of("x", keys=[KEY]))
        await caught_up(journal)
        assert "detail=purged" in (await client.ask(PATH)).fields["cache-status"]
    assert journal.said == []
    followed.origin.scripts["/v1/receipts"] = journal.take
    async with followed.start():
        await eventually(lambda: bool(journal.said), "the receipt has come")
    assert {(said["order"], said["state"]) for said in journal.said} == {("x", "done")}


async def test_nobody_waits_for_receipts_that_nobody_sends(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.receipts._TOLD_SECONDS_MAX", 3600.0)
    origin.scripts["/v1/receipts"] = says("503 No", b"")
    receipts = Receipts(origin.url, Identity("edge-1", 0, 1, ""))
    telling = asyncio.create_task(receipts.run())
    receipts.say("x", ReceiptState.DONE)
    told = asyncio.create_task(receipts.told())
    await eventually(lambda: bool(origin.asked), "it was tried")
    telling.cancel()
    assert await told is False
