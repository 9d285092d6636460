"""Several ranges in one body, over blocks held, being filled, and far apart."""

from __future__ import annotations

import random

import pytest

from tests.edge.conftest import BLOCK, Edge, eventually
from tests.helpers.raw_client import CutShortError, head

FILM = random.Random(21).randbytes(30 * BLOCK)
PATH = "/a.mp4"
RANGES = [(0, 9), (BLOCK - 1, BLOCK), (7 * BLOCK, 9 * BLOCK), (29 * BLOCK, 30 * BLOCK - 1)]
HEADER = "Range: bytes=" + ",".join(f"{first}-{last}" for first, last in RANGES)


def expected(boundary: str) -> bytes:
    parts = [
        (
            f"\r\n--{boundary}\r\nContent-Type: video/mp4\r\n"
            f"Content-Range: bytes {first}-{last}/{len(FILM)}\r\n\r\n"
        ).encode()
        + FILM[first : last + 1]
        for first, last in RANGES
    ]
    return b"".join(parts) + f"\r\n--{boundary}--\r\n".encode()


@pytest.mark.parametrize("buffer_bytes", [0, 4096])
async def test_parts_are_byte_exact_cold_warm_and_for_a_slow_reader(
    edge: Edge, buffer_bytes: int
) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client(buffer_bytes)
    for _ in range(3):
        answer = await client.ask(PATH, HEADER)
        boundary = answer.fields["content-type"].partition("boundary=")[2].strip('"')
        assert answer.body.lstrip(b"\r\n") == expected(boundary).lstrip(b"\r\n")
        assert (await client.ask(PATH, "Range: bytes=3-4")).body == FILM[3:5]


async def test_a_version_that_changes_between_parts_breaks_the_answer(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    await client.ask(PATH, "Range: bytes=0-9")
    edge.origin.put(PATH, FILM[::-1])
    await client.send(head(PATH, HEADER))
    with pytest.raises(CutShortError) as cut:
        await client.answer()
    assert FILM[::-1][:10] not in cut.value.received


async def test_a_client_that_leaves_between_parts_leaves_no_reader(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client(4096)
    await client.send(head(PATH, HEADER))
    server = edge.worker.server
    await eventually(lambda: any(c.body for c in server.connections.values()), "it is under way")
    client.reset()
    (entry,) = edge.worker.holdings.entries.values()
    await eventually(lambda: not server.connections, "it is gone")
    assert not entry.readers
