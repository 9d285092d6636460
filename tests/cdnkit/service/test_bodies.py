"""Small JSON bodies: what is taken and what is refused."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from cdnkit.service.bodies import parse_json, read_json
from cdnkit.service.connections import Limits
from tests.cdnkit.service.conftest import Start


async def echo(request: web.Request) -> web.Response:
    return web.json_response(await read_json(request, 64, timeout_seconds=0.2))


ROUTES = [web.post("/echo", echo)]


async def test_an_object_is_read(start: Start) -> None:
    rig = await start(ROUTES)
    async with rig.client.post(rig.url("/echo"), data=b'{"a": "\xc3\xa9"}') as answer:
        assert await answer.json() == {"a": "é"}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "line 1 column 2"),
        (b"\xff\xfe", 400, "not UTF-8 (byte 0)"),
        (b"[]", 400, "not an object"),
        (b'{"a": NaN}', 400, "bad number"),
        (b"x" * 65, 413, "exceeds 64 bytes"),
    ],
)
async def test_bad_bodies_are_refused_with_a_reason(
    start: Start, body: bytes, status: int, says: str
) -> None:
    rig = await start(ROUTES)
    async with rig.client.post(rig.url("/echo"), data=body) as answer:
        problem = await answer.json()
        assert answer.status == status
        assert says in problem["detail"]
    assert rig.requests("POST", "/echo", status) == 1
    assert rig.errors("too-large" if status == 413 else "bad-request") == 1


async def test_a_body_without_length_is_bounded_too(start: Start) -> None:
    rig = await start(ROUTES)

    async def pieces() -> object:
        for _ in range(9):
            yield b"x" * 9

    async with rig.client.post(rig.url("/echo"), data=pieces()) as answer:
        assert answer.status == 413
        assert (await answer.json())["limit_bytes"] == 64


async def test_a_compressed_body_is_refused(start: Start) -> None:
    rig = await start(ROUTES)
    headers = {"Content-Encoding": "gzip"}
    async with rig.client.post(rig.url("/echo"), data=b"{}", headers=headers) as answer:
        assert answer.status == 400
        assert "Content-Encoding" in (await answer.json())["detail"]


async def test_a_body_that_never_comes_is_given_up(start: Start) -> None:
    rig = await start(ROUTES, limits=Limits(lingering_seconds=0.1))
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n{"
    answer = await rig.raw(head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"incomplete-body" in answer


async def test_broken_chunked_framing_is_the_clients_fault(start: Start) -> None:
    rig = await start(ROUTES)
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await rig.raw(head + b"zz\r\n{}\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert rig.errors("internal-error") == 0


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(BadRequestError):
        parse_json(b'{"a":' * 200_000)


def test_a_number_beyond_the_parser_is_refused() -> None:
    with pytest.raises(BadRequestError):
        parse_json(b'{"a":' + b"9" * 5000 + b"}")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(body: bytes) -> None:
    try:
        value = parse_json(body)
    except BadRequestError:
        return
    assert isinstance(value, dict)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_every_object_comes_back(value: dict[str, object]) -> None:
    assert parse_json(json.dumps(value).encode()) == value
