"""Answers that are not stored: content both ways, early answers, cuts, interim answers."""

from __future__ import annotations

import asyncio
import gc
import random
import tracemalloc

import pytest

from edge.reader import Reader
from tests.edge.conftest import (
    Asked,
    Edge,
    Script,
    eventually,
    plain_answer,
    read_content,
    says,
)
from tests.helpers.raw_client import CutShortError, head

BIG = random.Random(9).randbytes(6_000_000)


async def echo(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends back what comes, while it comes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % asked.length)
    left = asked.length
    while left:
        data = await reader.read(min(left, 100_000))
        left -= len(data)
        writer.write(data)
        await writer.drain()


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 65_536, 1_000_000])
async def test_chunked_content_goes_up_and_down_byte_exactly(edge: Edge, size: int) -> None:
    content = BIG[: size * 9 + 1]

    async def both(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked.body = await read_content(asked, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(chunked(asked.body, 1000))

    edge.origin.scripts["/p"] = both
    client = await edge.client()
    for _ in range(2):
        answering = asyncio.ensure_future(client.answer())
        await client.send(head("/p", "Transfer-Encoding: chunked", method="POST"))
        await client.send(chunked(content, size))
        answer = await answering
        assert (answer.status, answer.body) == (200, content)
        assert edge.origin.asked[-1].body == content


async def test_big_content_both_ways_at_once_is_byte_exact_and_bounded(edge: Edge) -> None:
    edge.origin.scripts["/echo"] = echo
    client = await edge.client()
    sending = asyncio.ensure_future(
        client.send(head("/echo", f"Content-Length: {len(BIG)}", method="POST") + BIG)
    )
    answer = await client.answer()
    await sending
    assert answer.body == BIG
    assert "cache-status" in answer.fields


async def test_a_slow_reader_holds_the_origin_back(edge: Edge) -> None:
    written = 0

    async def pours(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal written
        writer.write(
            b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 60000000\r\n\r\n"
        )
        for _ in range(600):
            writer.write(bytes(100_000))
            await writer.drain()
            written += 100_000

    edge.origin.scripts["/big"] = pours
    client = await edge.client(receive_buffer_bytes=4096)
    await client.send(head("/big"))
    before = -1
    while written != before:
        before = written
        await asyncio.sleep(0.05)
    assert 0 < written < 30_000_000
    answer = await client.answer()
    assert len(answer.body) == 60_000_000


async def test_a_slow_origin_holds_the_client_back(edge: Edge) -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def waits(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        started.set()
        await go.wait()
        asked.body = await read_content(asked, reader)
        writer.write(plain_answer("201 Created", b"kept"))

    edge.origin.scripts["/up"] = waits
    content = BIG * 10
    client = await edge.client()
    sending = asyncio.ensure_future(
        client.send(head("/up", f"Content-Length: {len(content)}", method="PUT") + content)
    )
    await started.wait()
    await asyncio.sleep(0.2)
    assert not sending.done()
    go.set()
    answer = await client.answer()
    await sending
    assert (answer.status, answer.body) == (201, b"kept")
    assert edge.origin.asked[0].body == content


async def test_an_early_refusal_of_a_big_upload_arrives_and_the_upstream_is_not_reused(
    edge: Edge,
) -> None:
    async def refuses(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(plain_answer("413 Too Large", b"too much"))

    edge.origin.scripts["/up"] = refuses
    edge.origin.scripts["/next"] = says("200 OK", b"fine", "Cache-Control: no-store")
    client = await edge.client()
    await client.send(head("/up", "Content-Length: 9000000", method="PUT") + bytes(100_000))
    answer = await client.answer()
    assert (answer.status, answer.body) == (413, b"too much")
    assert answer.fields["connection"] == "close"
    assert await client.rest() == b""
    assert (await (await edge.client()).ask("/next")).body == b"fine"
    assert edge.origin.connections == 2


async def test_content_is_asked_for_once_when_the_client_expects_to_be(edge: Edge) -> None:
    edge.origin.scripts["/up"] = says("200 OK", b"got it")
    client = await edge.client()
    await client.send(head("/up", "Expect: 100-continue", "Content-Length: 3", method="PUT"))
    await eventually(lambda: bool(edge.origin.asked), "the origin is asked")
    assert "expect" not in edge.origin.asked[0].fields
    await client.send(b"abc")
    answer = await client.answer()
    assert [interim.status for interim in answer.interim] == [100]
    assert (answer.body, edge.origin.asked[0].body) == (b"got it", b"abc")


async def test_malformed_chunks_are_refused_and_the_upstream_is_left(edge: Edge) -> None:
    edge.origin.scripts["/up"] = says("200 OK", b"")
    client = await edge.client()
    await client.send(head("/up", "Transfer-Encoding: chunked", method="PUT") + b"zz\r\n")
    answer = await client.answer()
    assert (answer.status, answer.fields["connection"]) == (400, "close")
    assert await client.rest() == b""


UNCACHEABLE = {
    "no-store": ("Cache-Control: no-store",),
    "private": ("Cache-Control: private, max-age=60",),
    "cookie": ("Cache-Control: max-age=60", "Set-Cookie: a=b"),
}


@pytest.mark.parametrize("lines", UNCACHEABLE.values(), ids=UNCACHEABLE)
async def test_an_uncacheable_answer_passes_and_is_not_stored(
    edge: Edge, lines: tuple[str, ...]
) -> None:
    edge.origin.scripts["/u"] = says("200 OK", b"for you", *lines)
    client = await edge.client()
    for number in range(1, 4):
        answer = await client.ask("/u")
        assert (answer.status, answer.body) == (200, b"for you")
        assert ("set-cookie" in answer.fields) == ("Set-Cookie: a=b" in lines)
        assert len(edge.origin.asked) == number
    assert edge.worker.holdings.entries == {}


def endless(body: bytes, *lines: str) -> Script:
    """Content that ends with the connection."""

    async def script(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write("\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body)
        writer.close()

    return script


async def test_content_of_unannounced_length_becomes_an_entry_after_it_was_passed(
    edge: Edge,
) -> None:
    async def in_chunks(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: "1"\r\n')
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BIG[:300_000], 999))

    edge.origin.scripts["/chunked"] = in_chunks
    edge.origin.scripts["/endless"] = endless(BIG[:200_001], "Cache-Control: max-age=60")
    client = await edge.client()
    for path, content in (("/chunked", BIG[:300_000]), ("/endless", BIG[:200_001])):
        first = await client.ask(path)
        assert (first.body, first.fields["transfer-encoding"]) == (content, "chunked")
        second = await client.ask(path)
        assert (second.body, second.fields["content-length"]) == (content, str(len(content)))
        assert second.fields["cache-status"].startswith("edge-1; hit")
        assert (await client.ask(path, "Range: bytes=-3")).body == content[-3:]
    assert len(edge.origin.asked) == 2


async def test_a_client_of_http_1_0_gets_unannounced_content_until_the_close(edge: Edge) -> None:
    edge.origin.scripts["/endless"] = endless(BIG[:200_001], "Cache-Control: no-store")
    client = await edge.client()
    await client.send(head("/endless", "Connection: keep-alive", version="1.0"))
    answer = await client.answer()
    assert answer.body == BIG[:200_001]
    assert answer.fields["connection"] == "close"
    assert "transfer-encoding" not in answer.fields


async def test_early_hints_are_passed_on_and_100_is_not(edge: Edge) -> None:
    async def hints(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\n")
        writer.write(plain_answer("200 OK", b"ok", "Cache-Control: no-store"))

    edge.origin.scripts["/h"] = hints
    client = await edge.client()
    for method in ("GET", "GET", "HEAD", "POST"):
        answer = await client.ask("/h", method=method)
        assert [(i.status, i.fields["link"]) for i in answer.interim] == [(103, "</s>")]
    await client.send(head("/h", "Connection: keep-alive", version="1.0"))
    assert (await client.answer()).interim == []


@pytest.mark.parametrize("lines", ["Cache-Control: max-age=60", "Cache-Control: no-store"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_cut_origin_cuts_the_client_and_nothing_is_stored_as_whole(
    edge: Edge, framing: str, lines: str
) -> None:
    async def cuts(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if framing == "length":
            writer.write(plain_answer("200 OK", BIG[:90_000], lines, length=200_000))
        else:
            writer.write(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode())
            writer.write(b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BIG[:90_000], 900)[:-5])
        writer.close()

    edge.origin.scripts["/cut"] = cuts
    for _ in range(2):
        client = await edge.client()
        await client.send(head("/cut"))
        with pytest.raises(CutShortError) as cut:
            await client.answer()
        assert BIG.startswith(cut.value.received)
    assert not any(entry.is_complete for entry in edge.worker.holdings.entries.values())


async def test_a_client_that_leaves_frees_a_silent_upstream(edge: Edge) -> None:
    left = asyncio.Event()

    async def falls_silent(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(plain_answer("200 OK", b"begun", "Cache-Control: no-store", length=100))
        await writer.drain()
        await reader.read()
        left.set()

    edge.origin.scripts["/silent"] = falls_silent
    client = await edge.client()
    await client.send(head("/silent"))
    await eventually(lambda: bool(edge.origin.asked), "the origin is asked")
    assert await asyncio.get_running_loop().sock_recv(client.sock, 65536)
    client.reset()
    async with asyncio.timeout(5):
        await left.wait()


async def test_a_client_that_leaves_in_mid_upload_frees_the_upstream(edge: Edge) -> None:
    left = asyncio.Event()

    async def listens(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read()
        left.set()

    edge.origin.scripts["/up"] = listens
    for last in ("reset", "half_close"):
        left.clear()
        client = await edge.client()
        await client.send(head("/up", "Content-Length: 9", method="POST") + b"four")
        await eventually(lambda: bool(edge.origin.asked), "the origin is asked")
        getattr(client, last)()
        async with asyncio.timeout(5):
            await left.wait()


async def test_an_upload_that_ends_short_after_an_early_answer_frees_the_upstream(
    edge: Edge,
) -> None:
    left = asyncio.Event()

    async def answers_first(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(plain_answer("200 OK", b"begun", length=100))
        await writer.drain()
        await reader.read()
        left.set()

    edge.origin.scripts["/up"] = answers_first
    client = await edge.client()
    await client.send(head("/up", "Content-Length: 9", method="POST") + b"four")
    assert await asyncio.get_running_loop().sock_recv(client.sock, 65536)
    client.half_close()
    async with asyncio.timeout(5):
        await left.wait()
    await client.rest()


async def test_a_refused_request_leaves_little_for_the_collector(edge: Edge) -> None:
    """Slow senders of content, refused again and again, took 140 KiB each until it came."""

    async def refuse(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(plain_answer("405 No", b"", "Connection: close"))
        await writer.drain()
        writer.close()

    async def ask() -> None:
        client = await edge.client()
        await client.send(head("/f", "Content-Length: 99999", method="POST") + b"x")
        answer = await client.answer("POST")
        assert answer is not None
        assert answer.status == 405
        client.close()

    edge.origin.scripts["/f"] = refuse
    await ask()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(50):
            await ask()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert (after - before) / 50 < 48 * 1024


async def test_a_viewer_who_left_leaves_nothing_for_the_collector(edge: Edge) -> None:
    """Each left a reader that held the block it read last, a mebibyte, until the collector came."""

    def readers() -> int:
        return sum(isinstance(each, Reader) for each in gc.get_objects())

    edge.origin.put("/f", BIG)
    gc.collect()
    gc.disable()
    try:
        before = readers()
        for start in range(0, 3_000_000, 100_000):
            client = await edge.client()
            answer = await client.ask("/f", f"Range: bytes={start}-{start + 99_999}")
            assert answer.status == 206
            client.close()
        await eventually(lambda: readers() == before, "all have left, and nothing of them is here")
    finally:
        gc.enable()
