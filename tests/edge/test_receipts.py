"""Receipts reach the origin, however it behaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cdnkit.wire import ReceiptState
from edge.receipts import Identity, Receipts
from tests.edge.conftest import Asked, Origin, eventually, plain_answer, read_content


@pytest.fixture(autouse=True)
def _retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.receipts._RETRY_SECONDS", 0.01)


class Desk:
    """Takes receipts after having refused some."""

    def __init__(self, origin: Origin, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.bodies: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        origin.scripts["/v1/receipts"] = self.take

    async def take(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.tokens.append(asked.fields.get("authorization", ""))
        self.bodies.append(json.loads(await read_content(asked, reader)))
        status = self.statuses.pop(0) if self.statuses else "204 No Content"
        writer.write(plain_answer(status, b"") if status[0] != "2" else b"HTTP/1.1 204 Yes\r\n\r\n")


@contextlib.asynccontextmanager
async def running(receipts: Receipts) -> AsyncIterator[None]:
    task = asyncio.ensure_future(receipts.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_receipts_go_in_lots_and_say_who_speaks(origin: Origin) -> None:
    desk = Desk(origin)
    receipts = Receipts(origin.url, Identity("edge-1", 1, 2, "secret"))
    receipts.say("x", ReceiptState.WORKING, {"bytes": 1})
    receipts.say("y", ReceiptState.DONE)
    receipts.say("x", ReceiptState.DONE, {"bytes": 2})
    async with running(receipts):
        await eventually(lambda: bool(desk.bodies), "they have come")
    (body,) = desk.bodies
    assert (body["edge"], body["worker"], body["workers"]) == ("edge-1", 1, 2)
    assert body["receipts"] == [
        {"order": "y", "state": "done", "progress": {}},
        {"order": "x", "state": "done", "progress": {"bytes": 2}},
    ]
    assert desk.tokens == ["Bearer secret"]


async def test_an_origin_that_fails_gets_them_later(origin: Origin) -> None:
    desk = Desk(origin, "503 No", "500 No")
    receipts = Receipts(origin.url, Identity("edge-1", 0, 1, ""))
    async with running(receipts):
        receipts.say("x", ReceiptState.DONE)
        await eventually(lambda: len(desk.bodies) == 3, "it came in the end")
        receipts.say("y", ReceiptState.DONE)
        await eventually(lambda: len(desk.bodies) == 4, "the next comes too")
    assert [said["order"] for said in desk.bodies[3]["receipts"]] == ["y"]


async def test_refused_receipts_are_given_up(origin: Origin) -> None:
    desk = Desk(origin, "403 No")
    receipts = Receipts(origin.url, Identity("edge-1", 0, 1, ""))
    async with running(receipts):
        receipts.say("x", ReceiptState.DONE)
        await eventually(lambda: len(desk.bodies) == 1, "it was refused")
        receipts.say("y", ReceiptState.DONE)
        await eventually(lambda: len(desk.bodies) == 2, "the next comes alone")
    assert [said["order"] for said in desk.bodies[1]["receipts"]] == ["y"]


async def test_what_waits_is_bounded(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.receipts._WAITING_MAX", 3)
    desk = Desk(origin)
    receipts = Receipts(origin.url, Identity("edge-1", 0, 1, ""))
    for number in range(5):
        receipts.say(str(number), ReceiptState.DONE)
    async with running(receipts):
        await eventually(lambda: bool(desk.bodies), "they have come")
    assert [said["order"] for said in desk.bodies[0]["receipts"]] == ["2", "3", "4"]


async def test_told_returns_only_when_the_origin_has_all(origin: Origin) -> None:
    desk = Desk(origin, "503 No")
    receipts = Receipts(origin.url, Identity("edge-1", 0, 1, ""))
    await receipts.told()
    receipts.say("x", ReceiptState.DONE)
    async with running(receipts):
        await receipts.told()
        assert len(desk.bodies) == 2


async def test_told_does_not_wait_for_ever(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.receipts._TOLD_SECONDS_MAX", 0.01)
    receipts = Receipts(origin.url, Identity("edge-1", 0, 1, ""))
    receipts.say("x", ReceiptState.DONE)
    await receipts.told()
