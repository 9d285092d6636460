"""Softly purged entries are asked for again, paced, and only while nobody else has."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from edge.entry import Entry
from edge.http1.request import Request
from edge.refreshing import Refreshing, question_of
from tests.edge.conftest import Edge, eventually


async def test_each_is_asked_for_once_unless_a_viewer_was_first(edge: Edge) -> None:
    client = await edge.client()
    for path in ("/a", "/b", "/c"):
        edge.origin.put(path, b"content")
        await client.ask(path)
    holdings = edge.worker.holdings
    asked: list[bytes] = []

    def refresh(entry: Entry, target: bytes, request: Request) -> None:
        asked.append(target)

    refreshing = Refreshing(holdings, refresh)
    a, b, c = (holdings.entries[path] for path in (b"/a", b"/b", b"/c"))
    refreshing.add([a, b, c], 1000.0)
    b.renew(replace(b.head))
    holdings.invalidate(b"/c")
    task = asyncio.ensure_future(refreshing.run())
    await eventually(lambda: not refreshing, "all were looked at")
    assert asked == [b"/a"]
    task.cancel()


async def test_the_question_has_the_fields_that_chose_the_variant(edge: Edge) -> None:
    edge.origin.put("/a", b"content", lines=("Cache-Control: max-age=60", "Vary: Accept-Language"))
    client = await edge.client()
    await client.ask("/a?x=1", "Accept-Language: tr")
    (entry,) = edge.worker.holdings.entries.values()
    target, request = question_of(entry)
    assert target == b"/a?x=1" == request.target
    assert request.fields.text(b"accept-language") == "tr"
