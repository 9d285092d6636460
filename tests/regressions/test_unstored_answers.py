"""An answer that is not stored is its asker's: who waited for it gets one of its own."""

from __future__ import annotations

import asyncio

from tests.edge.conftest import Asked, Edge, eventually, says
from tests.edge.conftest import edge as edge
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan
from tests.helpers.raw_client import head


async def test_a_private_answer_never_goes_to_a_viewer_who_only_waited(edge: Edge) -> None:
    go = asyncio.Event()

    async def private(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        whose = asked.fields.get("authorization", "nobody").encode()
        await go.wait()
        await says("200 OK", whose, "Cache-Control: private")(asked, reader, writer)

    edge.origin.scripts["/p"] = private
    first, second = await edge.client(), await edge.client()
    await first.send(head("/p", "Authorization: first"))
    await eventually(lambda: len(edge.origin.asked) == 1, "the first one's question is asked")
    await second.send(head("/p", "Authorization: second"))
    await asyncio.sleep(0)
    first.reset()
    await eventually(lambda: len(edge.worker.server.connections) == 1, "the first one has left")
    go.set()
    assert (await second.answer()).body == b"second"
    assert len(edge.origin.asked) == 2


async def test_credentials_make_nothing_uncacheable_for_others(edge: Edge) -> None:
    edge.origin.scripts["/a"] = says("200 OK", b"all", "Cache-Control: max-age=60")
    client = await edge.client()
    await client.ask("/a", "Authorization: Basic eDp5")
    assert "stored" in (await client.ask("/a")).fields["cache-status"]
    assert "hit" in (await client.ask("/a")).fields["cache-status"]
