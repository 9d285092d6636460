"""Which entry belongs to a request, and what is done with it."""

from __future__ import annotations

import asyncio
import random

from tests.edge.conftest import BLOCK, Asked, Edge, eventually, says
from tests.helpers.raw_client import Answer

FILM = random.Random(5).randbytes(5 * BLOCK + 5)
PATH = "/a.mp4"


def status_of(answer: Answer) -> str:
    return answer.fields["cache-status"]


async def test_variants_are_kept_apart(edge: Edge) -> None:
    async def by_language(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        language = asked.fields.get("accept-language", "none")
        await says(
            "200 OK", language.encode(), "Cache-Control: max-age=60", "Vary: Accept-Language"
        )(asked, reader, writer)

    edge.origin.scripts["/v"] = by_language
    client = await edge.client()
    for _ in range(3):
        for language in ("de", "fr"):
            answer = await client.ask("/v", f"Accept-Language: {language}")
            assert answer.body == language.encode()
        assert (await client.ask("/v")).body == b"none"
    assert len(edge.origin.asked) == 3


async def test_a_viewers_cmcd_argument_is_no_part_of_the_key(edge: Edge) -> None:
    edge.origin.put(PATH, FILM[:100])
    client = await edge.client()
    await client.ask(PATH + "?CMCD=bl%3D100")
    assert "hit" in status_of(await client.ask(PATH + "?CMCD=bl%3D200"))
    assert "hit" in status_of(await client.ask(PATH))
    assert "uri-miss" in status_of(await client.ask(PATH + "?x=1&CMCD=bl%3D200"))
    assert "hit" in status_of(await client.ask(PATH + "?CMCD=a&x=1"))
    assert edge.origin.targets() == [f"GET {PATH}", f"GET {PATH}?x=1"]


async def test_content_that_cannot_be_completed_is_begun_anew(edge: Edge) -> None:
    """Without a strong tag nobody can tell a missing block from another version's."""
    lines = ("Cache-Control: max-age=60",)
    edge.origin.scripts["/w"] = says("200 OK", FILM, *lines)
    client, holdings = await edge.client(), edge.worker.holdings
    assert (await client.ask("/w")).body == FILM
    await eventually(lambda: holdings.held_blocks == 6, "all is held")
    entry = holdings.entries[b"/w"]
    holdings.keeping.remove(entry, 3)
    holdings._evict(entry, 3)
    held = await client.ask("/w", f"Range: bytes=0-{BLOCK - 1}")
    assert "hit" in status_of(held)
    assert holdings.entries[b"/w"] is entry
    missed = await client.ask("/w", f"Range: bytes={3 * BLOCK}-{4 * BLOCK - 1}")
    assert missed.body == FILM[3 * BLOCK : 4 * BLOCK]
    assert status_of(missed).endswith("detail=evicted")
    assert holdings.entries[b"/w"] is not entry
