"""One request and one answer: interim answers, content in, early ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.exchange import CONTINUE, ClientGoneError, Exchange
from edge.http1.fields import FieldError
from edge.http1.request import parse_request


class Wire:
    """Stands for connection and server: what is sent is kept, what is received is scripted."""

    def __init__(self) -> None:
        self.sent = b""
        limits = SimpleNamespace(write_timeout_seconds=60.0)
        server = SimpleNamespace(pump=self._pump, receive=lambda connection: None)
        server.now, server.limits = 1000, limits
        self.connection: Any = SimpleNamespace(
            head=b"", body=None, buffer=b"", eof=False, readable=False, alive=True, closing=False,
            reader=None, sent_bytes=0, deadline=0, server=server,
        )  # fmt: skip

    def exchange(self, *lines: str, method: str = "POST", version: str = "1.1") -> Exchange:
        text = "\r\n".join([f"{method} /a HTTP/{version}", "Host: a", *lines])
        return Exchange(self.connection, parse_request(text.encode()), 0.0)

    def _pump(self, connection: Any) -> None:
        self.sent += bytes(connection.head)
        connection.head = b""


async def content_of(exchange: Exchange) -> bytes:
    return b"".join([piece async for piece in exchange.receive()])


@given(st.binary(max_size=300), st.lists(st.integers(1, 80), min_size=1, max_size=9), st.booleans())
def test_content_is_whole_however_it_arrives_and_the_next_request_stays(
    content: bytes, cuts: list[int], chunked: bool
) -> None:
    async def run() -> None:
        wire = Wire()
        if chunked:
            exchange = wire.exchange("Transfer-Encoding: chunked")
            size = cuts[0]
            pieces = [content[at : at + size] for at in range(0, len(content), size)]
            text = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            stream = text + b"0\r\n\r\n"
        else:
            exchange = wire.exchange(f"Content-Length: {len(content)}")
            stream = content
        receiving = asyncio.ensure_future(content_of(exchange))
        stream += b"GET /next"
        while stream and not receiving.done():
            size = cuts[len(stream) % len(cuts)]
            wire.connection.buffer += stream[:size]
            stream = stream[size:]
            exchange.arrived()
            for _ in range(4):
                await asyncio.sleep(0)
        assert await receiving == content
        assert wire.connection.buffer + stream == b"GET /next"
        assert not exchange.body_left
        assert not exchange.closes_after

    asyncio.run(run())


async def test_continue_is_sent_when_content_is_wanted_and_never_to_http_1_0() -> None:
    for version, expected in (("1.1", CONTINUE), ("1.0", b"")):
        wire = Wire()
        wire.connection.buffer = b"abc"
        exchange = wire.exchange("Expect: 100-continue", "Content-Length: 3", version=version)
        assert wire.sent == b""
        assert await content_of(exchange) == b"abc"
        assert wire.sent == expected


async def test_content_that_ends_early_means_the_client_has_gone() -> None:
    wire = Wire()
    exchange = wire.exchange("Content-Length: 3")
    receiving = asyncio.ensure_future(content_of(exchange))
    await asyncio.sleep(0)
    assert wire.connection.deadline == 1061, "a client that stops sending is timed"
    wire.connection.eof = True
    exchange.arrived()
    with pytest.raises(ClientGoneError):
        await receiving


async def test_malformed_chunks_are_an_error() -> None:
    wire = Wire()
    wire.connection.buffer = b"nonsense\r\n"
    with pytest.raises(FieldError):
        await content_of(wire.exchange("Transfer-Encoding: chunked"))


async def test_an_answer_before_the_content_was_read_closes_the_connection() -> None:
    wire = Wire()
    exchange = wire.exchange("Content-Length: 3")
    assert exchange.closes_after
    exchange.reply(b"head", b"content")
    assert wire.connection.closing
    assert wire.sent == b"headcontent"


async def test_only_the_first_answer_counts() -> None:
    wire = Wire()
    exchange = wire.exchange("Content-Length: 0")
    exchange.reply(b"first")
    exchange.reply(b"second")
    exchange.interim(b"late hint")
    assert wire.sent == b"first"


async def test_an_answer_to_nobody_lets_its_body_and_reader_go() -> None:
    wire = Wire()
    exchange = wire.exchange("Content-Length: 0")
    wire.connection.alive = False
    gone: list[str] = []
    body: Any = SimpleNamespace(close=lambda: gone.append("body"))
    wire.connection.reader = SimpleNamespace(leave=lambda: gone.append("reader"))
    exchange.deliver(b"head", body)
    assert gone == ["body", "reader"]
    assert wire.connection.reader is None
    assert not exchange.answered


async def test_the_end_is_told_once_with_the_bytes_that_left() -> None:
    wire = Wire()
    exchange = wire.exchange("Content-Length: 0")
    wire.connection.sent_bytes = 77
    exchange.end(complete=False)
    wire.connection.sent_bytes = 99
    exchange.end(complete=True)
    assert await exchange.finished() is False
    assert exchange.sent_bytes == 77
