"""The origin sends what was asked for and counts it, byte by byte."""

from __future__ import annotations

import asyncio

from scripts.benchmark.counting_origin import BLOCK_BYTES, asked_range, counting_origin
from scripts.benchmark.launch import HOST


def test_a_range_is_half_open_and_ends_with_the_object() -> None:
    head = b"GET / HTTP/1.1\r\nRange: bytes=%b\r\nHost: a\r\n\r\n"
    assert asked_range(head % b"0-9", 100) == (0, 10, True)
    assert asked_range(head % b"90-199", 100) == (90, 100, True)
    assert asked_range(head % b"5-", 100) == (5, 100, True)
    assert asked_range(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 100) == (0, 100, False)


async def test_content_is_counted_and_heads_are_not() -> None:
    async with counting_origin(3) as (origin, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        for request, status, size_bytes in (
            (b"HEAD /films/1.mp4 HTTP/1.1\r\n\r\n", b"200", 0),
            (b"GET /pieces/1/2 HTTP/1.1\r\n\r\n", b"200", BLOCK_BYTES),
            (b"GET /films/1.mp4 HTTP/1.1\r\nRange: bytes=10-19\r\n\r\n", b"206", 10),
            (b"GET /films/1.mp4 HTTP/1.1\r\n\r\n", b"200", 3 * BLOCK_BYTES),
        ):
            before = origin.sent_bytes
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == status
            assert len(await reader.readexactly(size_bytes)) == size_bytes
            assert origin.sent_bytes - before == size_bytes
        writer.close()
