"""Questions between workers are plain HTTP whose answers nobody outside can tell from their own."""

from __future__ import annotations

import asyncio

from edge.box.asking import Owners
from tests.edge.box.conftest import Boxed, owned_by
from tests.edge.conftest import Asked, eventually
from tests.helpers.raw_client import RawClient, head

TARGET = owned_by(1)


def owners(box: Boxed, number: int) -> Owners:
    made = box.workers[number].worker.box
    assert made is not None
    return made._owners


async def test_the_requests_of_workers_are_no_viewers(box: Boxed) -> None:
    box.workers[0].origin.put(TARGET, b"film")
    await (await box.workers[0].client()).ask(TARGET)
    assert box.workers[0].totals().requests.total() == 1
    assert box.workers[1].totals().requests.total() == 0
    assert box.workers[1].totals().counts["connections"] == 0


async def test_an_owner_that_is_away_answers_nothing(box: Boxed) -> None:
    made = box.workers[1].worker.box
    assert made is not None
    await made.neighbours.close()
    neighbours = box.workers[0].worker.box
    assert neighbours is not None
    await eventually(lambda: 1 not in neighbours.neighbours.followed, "it is missed")
    answer = await owners(box, 0).ask(1, b"GET", b"/a", [], b"id", None, 0.0, borrows=True)
    assert answer is None


async def test_who_waits_for_an_owner_that_dies_is_served_without_it(box: Boxed) -> None:
    origin, asked = box.workers[0].origin, asyncio.Event()
    origin.put(TARGET, b"film")

    async def silent_once(
        request: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if asked.is_set():
            await origin.serve_thing(request, reader, writer)
        else:
            asked.set()
            await asyncio.Event().wait()

    origin.scripts[TARGET] = silent_once
    client = await box.workers[0].client()
    await client.send(head(TARGET))
    await asked.wait()
    made = box.workers[1].worker.box
    assert made is not None
    await made.neighbours.close()
    assert (await client.answer()).body == b"film"


async def test_a_viewer_cannot_pass_for_a_worker(box: Boxed) -> None:
    box.workers[0].origin.put(TARGET, b"film")
    edge = box.workers[1]
    async with await RawClient.connect(edge.worker.address.host, edge.worker.address.port) as raw:
        answer = await raw.ask(TARGET, "Cinedge-Worker: 0 0")
        assert answer.body == b"film"
        assert "cinedge-owner" not in answer.fields
    assert edge.totals().requests.total() == 1
