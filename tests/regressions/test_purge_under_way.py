"""An answer under way when its film is purged ends as it began, though blocks are still missing.

The film had not changed, but whoever was in the middle of it was cut at the first block that nobody
had fetched yet. Scenarios drawn by chance found it.
"""

from __future__ import annotations

import random

import pytest

from tests.edge.conftest import BLOCK, Edge, eventually
from tests.edge.conftest import edge as edge
from tests.edge.conftest import origin as origin
from tests.edge.conftest import plan as plan
from tests.helpers.raw_client import CutShortError, RawClient, head

BLOCKS, HELD = 100, 80
FILM = random.Random(15).randbytes(BLOCKS * BLOCK)
OTHER = random.Random(16).randbytes(BLOCKS * BLOCK)
KEPT = ("Cache-Control: max-age=3600",)


async def under_way(edge: Edge) -> RawClient:
    """The first blocks are held, and a slow reader of everything is in the middle of them."""
    edge.origin.put("/film", FILM, lines=KEPT)
    client = await edge.client()
    await client.ask("/film", f"Range: bytes=0-{HELD * BLOCK - 1}")
    entry = edge.worker.holdings.entries[b"/film"]
    await eventually(lambda: edge.worker.holdings.held_blocks >= HELD, "they are held")
    client.close()
    await eventually(lambda: not entry.readers, "who came first has left")
    slow = await edge.client(4096)
    await slow.send(head("/film"))
    await eventually(lambda: bool(entry.readers), "it reads")
    return slow


async def test_a_reader_of_a_purged_film_gets_all_of_it(edge: Edge) -> None:
    slow = await under_way(edge)
    edge.worker.holdings.invalidate(b"/film")
    assert (await slow.answer()).body == FILM


async def test_a_reader_of_a_replaced_film_is_cut_and_the_origin_asked_once(edge: Edge) -> None:
    slow = await under_way(edge)
    edge.origin.put("/film", OTHER, lines=KEPT)
    edge.worker.holdings.invalidate(b"/film")
    asked = len(edge.origin.asked)
    with pytest.raises(CutShortError) as cut:
        await slow.answer()
    assert FILM.startswith(cut.value.received)
    assert len(edge.origin.asked) == asked + 1
