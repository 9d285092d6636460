"""Targets that read HTTP messages: two parsers that both take one must read the same in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import h11
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser
from aiohttp.http_exceptions import HttpProcessingError

from cdnkit.fields import FieldLines
from cdnkit.service.framing import Framing, RefusedMessageError
from edge.http1.chunked import ChunkedDecoder
from edge.http1.fields import FieldError, parse_fields
from edge.http1.request import RefusedError, Request, parse_request
from edge.http1.response import Framing as AnswerFraming
from edge.http1.response import ResponseHead, parse_response
from geo_router.headblock import is_plain
from origin.lane.heads import HeadReader
from scripts.fuzz.target import Target, require, vectors

_END: Final = b"\r\n\r\n"
_H11_BYTES_MAX: Final = 1 << 20
_REFUSED_STATUSES: Final = (400, 405, 414, 431, 501, 505)
_CHUNKED_HEAD: Final = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_WORDS: Final = (
    *(b"GET ", b"POST ", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"Host: a\r\n", b"http://a"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Range: bytes=0-1\r\n"),
    *(b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"X: 1\r\n", b"\r\n 1", _END),
    *(b"/v1/content/films/a.mp4", b"chunked", b"gzip, ", b"HTTP/1.1 200 OK\r\n", b"0\r\n\r\n"),
)


def read_request_head(data: bytes) -> None:
    """The edge's parser; what it takes, h11 must not read otherwise."""
    head = data.partition(_END)[0]
    try:
        request = parse_request(head)
    except RefusedError as error:
        require(error.status in _REFUSED_STATUSES, f"refused with {error.status}")
        raise
    again = parse_request(_written(request, head))
    require(again.pairs == request.pairs, "written again, it reads otherwise")
    require(not (request.chunked and request.content_length), "two framings")
    with suppress(h11.RemoteProtocolError):
        _compare_with_h11(request, head)


def _written(request: Request, head: bytes) -> bytes:
    line = head.partition(b"\r\n")[0]
    return b"\r\n".join([line, *(b"%b: %b" % pair for pair in request.pairs)])


def _compare_with_h11(request: Request, head: bytes) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_H11_BYTES_MAX)
    connection.receive_data(head + _END)
    event = connection.next_event()
    require(isinstance(event, h11.Request), f"h11 reads {event!r}")
    assert isinstance(event, h11.Request)
    pairs = [(bytes(name), bytes(value)) for name, value in event.headers]
    # It writes the name of a coding in small letters.
    ours = [(n, v.lower() if n == b"transfer-encoding" else v) for n, v in request.pairs]
    require(pairs == ours, "h11 reads other fields")
    require(bytes(event.method) == request.method, "h11 reads another method")
    following = connection.next_event()
    has_content = following is h11.NEED_DATA
    require(has_content == request.has_body, "h11 sees another framing")


def read_response_head(data: bytes) -> None:
    """The edge's parser of answers, and h11's."""
    head = data.partition(_END)[0]
    answer = parse_response(head, b"GET")
    require(answer.framing is not AnswerFraming.LENGTH or answer.content_length >= 0, "length")
    if answer.status >= 200:
        with suppress(h11.RemoteProtocolError, h11.LocalProtocolError):
            _compare_answers(answer, head)


def _compare_answers(answer: ResponseHead, head: bytes) -> None:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_H11_BYTES_MAX)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(head + _END)
    event = connection.next_event()
    if not isinstance(event, h11.Response):
        return
    require(event.status_code == answer.status, "h11 reads another status")
    following = connection.next_event()
    none = answer.framing is AnswerFraming.NONE or (
        answer.framing is AnswerFraming.LENGTH and answer.content_length == 0
    )
    require(isinstance(following, h11.EndOfMessage) == none, "h11 sees another framing")


def read_chunks(data: bytes) -> None:
    """The decoder, whole and in pieces; the framing of the other tiers; h11."""
    content, decoder, refused = _decoded([data])
    again, other, refused_again = _decoded([data[at : at + 3] for at in range(0, len(data), 3)])
    require(refused == refused_again, "cutting the stream decides whether it is refused")
    if refused:
        raise FieldError
    require((content, decoder.done) == (again, other.done), "cutting the stream changes it")
    if not decoder.done:
        return
    stream = data[: len(data) - len(decoder.rest)]
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_H11_BYTES_MAX)
    with suppress(h11.RemoteProtocolError):
        connection.receive_data(_CHUNKED_HEAD + stream)
        require(b"".join(_h11_content(connection)) == content, "h11 reads other content")
    with suppress(RefusedMessageError):
        pieces = list(Framing().cut(_CHUNKED_HEAD + data))
        require(pieces[0] == _CHUNKED_HEAD + stream, "the framing ends elsewhere")


def _decoded(pieces: list[bytes]) -> tuple[bytes, ChunkedDecoder, bool]:
    decoder, content = ChunkedDecoder(), b""
    try:
        for piece in pieces:
            content += b"".join(decoder.feed(piece))
            if decoder.done:
                break
    except FieldError:
        return content, decoder, True
    return content, decoder, False


def _h11_content(connection: h11.Connection) -> Iterator[bytes]:
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Data):
            yield bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) or event is h11.NEED_DATA:
            return


def read_fields(data: bytes) -> None:
    """Field lines, written and read again."""
    pairs = parse_fields(data)
    require(parse_fields(b"\r\n".join(b"%b:%b" % pair for pair in pairs)) == pairs, "round trip")
    lines = FieldLines(pairs)
    for name, _ in pairs:
        require(lines.combined(name) is not None, "a field that is there is not found")


def read_lane_head(data: bytes) -> None:
    """What the quick ways of origin and router take, the strict parser takes as the same."""
    head, _, _ = data.partition(_END)
    asked = HeadReader().read(head + _END)
    if asked is not None:
        request = parse_request(head)
        require(not request.has_body, "the lane takes a body")
        require(request.target == asked.target.encode(), "the lane reads another target")
        read = {name.decode(): value.decode("latin-1") for name, value in request.pairs}
        require(read == dict(asked.fields), "the lane reads other fields")
    block = head.partition(b"\r\n")[2] + _END
    if is_plain(block):
        plain = parse_request(b"GET /a HTTP/1.1\r\n" + block[: -len(_END)])
        require(not plain.has_body and plain.keep_alive, "the router's lane takes too much")


class _Connected(BaseProtocol):
    """What aiohttp's parser wants to be of."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)


_LOOP: Final = asyncio.new_event_loop()


def read_stream(data: bytes) -> None:
    """A connection's bytes through our framing into aiohttp's parser: both count alike."""
    framing, parser, came = Framing(), _aiohttp_parser(), b""
    try:
        for piece in framing.cut(data):
            messages = parser.feed_data(piece)[0]
            came += piece
            for message, payload in messages:
                require(tuple(message.version) in ((1, 0), (1, 1)), "another version passes")
                ends_here = b"\r\n\r\n" in came[-4:] and not message.chunked
                if ends_here and not int(message.headers.get("Content-Length", "0")):
                    require(payload.is_eof(), "aiohttp waits for content that nobody announced")
    except HttpProcessingError as error:
        raise RefusedMessageError(400, "aiohttp") from error
    require(data.startswith(came), "other bytes came out")
    again = Framing()
    pieces = [each for at in range(0, len(data), 5) for each in again.cut(data[at : at + 5])]
    require(b"".join(pieces) == came, "other bytes came out in pieces")


def _aiohttp_parser() -> Any:
    return HttpRequestParser(_Connected(_LOOP), _LOOP, 1 << 16, max_headers=128)


_HEADS: Final = (
    *vectors("request_heads", "head"),
    b"GET /v1/content/films/a.mp4 HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\nAccept: */*",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Type: text/plain",
)
_STREAMS: Final = (
    *(head + _END for head in _HEADS),
    *(raw.replace(b"PATH", b"/a") for raw in vectors("hostile_messages", "raw")),
)
_ANSWERS: Final = vectors("response_heads", "head")
TARGETS: Final = (
    Target("request-head", read_request_head, _HEADS, _WORDS, (RefusedError,)),
    Target(
        "response-head", read_response_head, _ANSWERS, _WORDS, (FieldError,)
    ),
    Target(
        "chunked",
        read_chunks,
        (b"5\r\nhello\r\n0\r\n\r\n", b"a;x=y\r\n0123456789\r\n0\r\nX: 1\r\n\r\nGET"),
        (b"0\r\n\r\n", b"5\r\n", b";a=b", b"\r\n", b"FFFFFFFF", b"X: 1\r\n"),
        (FieldError,),
    ),
    Target("fields", read_fields, [head.partition(b"\r\n")[2] for head in _HEADS], _WORDS,
           (FieldError,)),
    Target("lane-head", read_lane_head, _HEADS, _WORDS),
    Target("stream", read_stream, _STREAMS, _WORDS, (RefusedMessageError,)),
)  # fmt: skip
