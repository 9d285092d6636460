"""The change feed over real connections: order, limits, waking."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.origin.conftest import RunningOrigin


async def ask(origin: RunningOrigin, query: str) -> tuple[int, Any]:
    async with origin.client.get(f"/v1/changes?{query}") as answer:
        if answer.status == 200:
            assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, await answer.json(content_type=None)


def name_of(origin: RunningOrigin) -> str:
    return origin.parts.catalog.journal.name


async def publish(origin: RunningOrigin, key: str) -> None:
    async with origin.client.put(f"/v1/content/{key}", data=key.encode()) as answer:
        assert answer.status == 201


async def test_changes_are_told_in_order_and_in_pages(origin: RunningOrigin) -> None:
    for key in ("a", "b", "c"):
        await publish(origin, key)
    async with origin.client.delete("/v1/content/a") as answer:
        assert answer.status == 204
    told: list[tuple[str, str]] = []
    after = 0
    while True:
        _, page = await ask(origin, f"after={after}&limit=3")
        if not page["changes"]:
            break
        told += [(change["kind"], change["key"]) for change in page["changes"]]
        after = page["last"]
    assert told == [("publish", "a"), ("publish", "b"), ("publish", "c"), ("delete", "a")]
    assert after == 4


async def test_waiting_follower_is_woken_by_a_publish(origin: RunningOrigin) -> None:
    waits = watch_waiting(origin)
    asked = asyncio.create_task(ask(origin, "after=0&wait=55"))
    await waits.wait()
    assert not asked.done()
    await publish(origin, "a")
    _, page = await asyncio.wait_for(asked, 5)
    assert [change["key"] for change in page["changes"]] == ["a"]
    assert page["last"] == 1


async def test_waiting_follower_is_let_go_when_the_origin_stops(origin: RunningOrigin) -> None:
    waits = watch_waiting(origin)
    asked = asyncio.create_task(ask(origin, "after=0&wait=55"))
    await waits.wait()
    origin.parts.catalog.journal.close()
    told = {"changes": [], "last": 0, "journal": name_of(origin)}
    assert await asyncio.wait_for(asked, 5) == (200, told)


async def test_follower_ahead_of_the_journal_is_told_at_once(origin: RunningOrigin) -> None:
    await publish(origin, "a")
    answer = await asyncio.wait_for(ask(origin, "after=7&wait=55"), 5)
    assert answer == (200, {"changes": [], "last": 1, "journal": name_of(origin)})


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=",
        "after=1.5",
        "after=%C2%B2",
        "after=99999999999999999999",
        "limit=0",
        "limit=1001",
        "wait=56",
        "wait=-1",
        "after=1&after=2",
        "since=1",
    ],
)
async def test_senseless_parameters_are_refused(origin: RunningOrigin, query: str) -> None:
    status, body = await ask(origin, query)
    assert (status, body["type"]) == (400, "urn:cinedge:problem:bad-request")


def watch_waiting(origin: RunningOrigin) -> asyncio.Event:
    """Set once a follower is inside the journal's wait."""
    journal: Any = origin.parts.catalog.journal
    wait_beyond = journal.wait_beyond
    waits = asyncio.Event()

    async def watched(*arguments: Any) -> None:
        waits.set()
        await wait_beyond(*arguments)

    journal.wait_beyond = watched
    return waits
