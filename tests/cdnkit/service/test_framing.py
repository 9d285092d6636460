"""Messages are cut where they end, however they come, and what has not one meaning is refused."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.framing import (
    BLANK_BYTES_MAX,
    CHUNK_LINE_BYTES_MAX,
    HEAD_BYTES_MAX,
    TRAILER_BYTES_MAX,
    Framing,
    RefusedMessageError,
)
from tests.cdnkit.service.conftest import Start

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
MESSAGES = (
    GET,
    b"HEAD /a HTTP/1.0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\n" + b"x" + GET + b"12345678",
    b"PUT /a HTTP/1.1\r\nHost: a\r\ncontent-length:\t2 \r\n\r\n\r\n",
    b"PUT /a HTTP/1.1\r\nContent-Length: 0\r\nHost: a\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"1c;a=b\r\n" + GET[:28].ljust(28, b".") + b"\r\n0\r\nX: 1\r\nY: 2\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\ntransfer-encoding:chunked\r\n\r\n0\r\n\r\n",
    b"\r\nGET /b HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
)
CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
REFUSED = {
    "two blanks": (b"GET  /a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two blanks behind the target": (b"GET /a  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no version": (b"GET /a\r\n\r\n", 400),
    "no version, and a bare line feed": (b"PUT /a\n\r\n", 400),
    "no method": (b"\x16\x03\x01\x02", 400),
    "long head": (b"GET /a HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES_MAX, 431),
    "long method": (b"G" * 33, 400),
    "another version": (b"GET /a HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "tunnel": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "another coding": (CHUNKED.replace(b"chunked", b"gzip, chunked"), 501),
    "two codings": (CHUNKED.replace(b"chunked", b"chunked\r\nTransfer-Encoding: chunked"), 501),
    "hidden coding": (CHUNKED.replace(b"chunked", b"\x0bchunked"), 400),
    "no coding": (CHUNKED.replace(b"chunked", b""), 400),
    "chunked in HTTP/1.0": (CHUNKED.replace(b"1.1", b"1.0"), 400),
    "size with a sign": (CHUNKED + b"+1\r\na\r\n", 400),
    "long extension": (CHUNKED + b"1;" + b"a" * CHUNK_LINE_BYTES_MAX, 400),
    "long trailers": (CHUNKED + b"0\r\n" + b"X: 1\r\n" * (TRAILER_BYTES_MAX // 6 + 1), 400),
    "blank lines": (b"\r\n" * (BLANK_BYTES_MAX // 2 + 1), 400),
    "bare line feeds": (b"\n\n" + GET, 400),
}


def cut(pieces: list[bytes], came: list[bytes]) -> None:
    """Let one connection's pieces be cut; `came` grows by what comes of it."""
    framing = Framing()
    for piece in pieces:
        came.extend(framing.cut(piece))


@given(st.lists(st.sampled_from(MESSAGES), max_size=5), st.lists(st.integers(1, 60), max_size=9))
def test_no_piece_goes_on_after_the_end_of_a_message(
    messages: list[bytes], sizes: list[int]
) -> None:
    data, pieces, at = b"".join(messages), [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    came: list[bytes] = []
    cut([*pieces, data[at:]], came)
    assert b"".join(came) == data
    ends = {sum(map(len, messages[:count])) for count in range(len(messages) + 1)}
    cuts = {sum(map(len, came[:count])) for count in range(len(came) + 1)}
    assert ends <= cuts


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("size", [1, 5, 1 << 20])
def test_what_has_not_one_meaning_is_refused_after_what_came_before(name: str, size: int) -> None:
    bad, status = REFUSED[name]
    data = GET + bad
    came: list[bytes] = []
    with pytest.raises(RefusedMessageError) as refused:
        cut([data[at : at + size] for at in range(0, len(data), size)], came)
    assert refused.value.status == status
    assert b"".join(came).startswith(GET)
    assert b"".join(came) != data


async def test_the_answer_before_a_refusal_is_sent_and_nothing_after_it_is_read(
    start: Start,
) -> None:
    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    rig = await start([web.get("/a", hello)])
    answer = await rig.raw(GET + REFUSED["two blanks"][0] + GET)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert answer.count(b"HTTP/1.1 400 ") == 1
    assert answer.index(b"200 OK") < answer.index(b"400 Bad")
    assert rig.errors("bad-request") == 1


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("another coding", b"501 Not Implemented", "not-implemented"),
        ("another version", b"505 HTTP Version Not Supported", "http-version-not-supported"),
    ],
)
async def test_a_refusal_says_in_our_version_what_is_not_spoken(
    start: Start, name: str, status: bytes, code: str
) -> None:
    rig = await start([])
    answer = await rig.raw(REFUSED[name][0])
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close\r\n" in answer
    assert rig.errors(code) == 1


async def test_what_follows_the_offer_of_an_upgrade_is_not_lost(start: Start) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    rig = await start([web.post("/a", echo)])
    post = b"POST /a HTTP/1.1\r\nHost: a\r\n%bContent-Length: 5\r\n\r\n%b"
    offer = post % (b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"first")
    answer = await rig.raw(offer + post % (b"Connection: close\r\n", b"after"))
    assert answer.index(b"first") < answer.index(b"after")


@pytest.mark.parametrize("rest", [b"xx\r\n", b"+1\r\na\r\n", b"1\r\nab\r\n", b"0\r\nX\r\n\r\n"])
async def test_a_body_that_breaks_later_is_told_to_its_reader_and_answered_once(
    start: Start, rest: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reading = asyncio.Event()

    async def read(request: web.Request) -> web.Response:
        await request.content.readexactly(5)
        reading.set()
        return web.Response(body=await request.content.read())

    rig = await start([web.post("/a", read)])
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.listening.port)
    writer.write(CHUNKED + b"5\r\nhello\r\n")
    async with asyncio.timeout(10):
        await reading.wait()
        writer.write(rest + GET)
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer
    # A client's mistake is no failure of ours.
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
