"""The short way and the full server give byte-equal answers, whatever is asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from cdnkit.service.run import serve
from geo_router import lane
from geo_router.app import Router, build_router
from geo_router.front import serve_redirects
from geo_router.headblock import is_plain
from tests.geo_router.test_handlers import GEO
from tests.geo_router.worlds import READY, edges_of, router_node, take_down, topology_of

VARYING = re.compile(rb"(?<=\r\n)Date: [^\r\n]*\r\n|\b[0-9a-f]{16}\b")
PLAIN = "GET {} HTTP/1.1\r\nHost: router.example\r\n\r\n"


@dataclass
class Pair:
    """One router behind both doors."""

    router: Router
    short: int
    full: int

    async def both(self, request: bytes, source: str = "127.0.0.1") -> tuple[bytes, bytes]:
        return await ask(self.short, request, source), await ask(self.full, request, source)

    @property
    def answered_short(self) -> float:
        metrics = self.router.metrics
        return float(sum(child._value.get() for child in metrics._children.values()))


async def ask(port: int, request: bytes, source: str = "127.0.0.1") -> bytes:
    """Everything that comes back until nothing more does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(request)
    answer = b""
    try:
        async with asyncio.timeout(0.25):
            while piece := await reader.read(65536):
                answer += piece
                if answer.endswith(b"\r\n\r\n") and answer.count(b"HTTP/1.1") == 1:
                    break
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return VARYING.sub(b"", answer)


@asynccontextmanager
async def doors() -> AsyncIterator[Pair]:
    edges = edges_of({"fra": 1, "nyc": 1, "sgp": 2})
    router = build_router(router_node(), topology_of(edges, GEO))
    for edge in edges:
        router.fleet.observe(edge.name, READY, 1.0)
    app = router.application
    async with serve(app, "127.0.0.1", 0, grace_seconds=0.2) as full:
        second = build_router(router_node(), topology_of(edges, GEO))
        for edge in edges:
            second.fleet.observe(edge.name, READY, 1.0)
        door = serve_redirects(second.application, second.desk, "127.0.0.1", 0, grace_seconds=0.2)
        async with door as short:
            yield Pair(second, short.port, full.port)


@pytest.mark.parametrize(
    "target",
    [
        "/films/a.mp4",
        "/films/a%20b.mp4?x=%2f&y",
        "/~TOKEN/films/a.mp4",
        "/a",
        "/films//a?",
        "/films/a'b(c)!*;d",
        "/",
        "/v1/route?path=/a",
        "/v1/nothing",
        "/%76%31/route?path=/a",
        "/films/../v1/fleet",
        "/./v1/nothing",
        "//evil.example/x",
        "/\\evil",
        "/a#b",
        "/a b",
        "http://router.example/a",
        "*",
    ],
)
async def test_both_doors_answer_alike_whatever_the_target(target: str) -> None:
    async with doors() as pair:
        short, full = await pair.both(PLAIN.format(target).encode())
        assert short == full
        assert short.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
        b"OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\nAccept: */*\r\n\r\n",
        b'GET /a HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nIf-None-Match: *\r\nsec-ch-ua: "x"\r\n\r\n',
        b"GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /a HTTP/1.1\r\n Host: a\r\n\r\n",
        b"GET  /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /a HTTP/1.1\nHost: a\n\n",
        b"\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"garbage\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
async def test_both_doors_answer_alike_whatever_the_request(
    request_bytes: bytes, source: str
) -> None:
    async with doors() as pair:
        short, full = await pair.both(request_bytes, source)
        assert short == full


BROWSER = (
    b"GET /films/a.mp4 HTTP/1.1\r\nHost: router.example\r\nConnection: keep-alive\r\n"
    b'sec-ch-ua-platform: "Linux"\r\nUser-Agent: Mozilla/5.0 (X11) Chrome/131.0.0.0\r\n'
    b'sec-ch-ua: "Chromium";v="131"\r\nsec-ch-ua-mobile: ?0\r\nAccept: */*\r\n'
    b"Origin: http://player.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n"
    b"Sec-Fetch-Dest: empty\r\nReferer: http://player.example/watch\r\n"
    b"Accept-Encoding: identity\r\nAccept-Language: en-GB,en;q=0.9\r\n"
    b"Range: bytes=0-99\r\n\r\n"
)


async def test_a_browser_is_answered_the_short_way() -> None:
    async with doors() as pair:
        short, full = await pair.both(BROWSER)
        assert short == full
        assert b" 302 " in short
    assert is_plain(BROWSER.partition(b"\r\n")[2])


async def test_both_doors_answer_alike_when_edges_fail() -> None:
    async with doors() as pair:
        take_down(pair.router.fleet, "nyc-0")
        away = await ask(pair.short, PLAIN.format("/a").encode())
        assert b"Location: http://127.0.0.1:9000/a" in away or b":9001/a" in away
        take_down(pair.router.fleet, *pair.router.fleet.names())
        none = await ask(pair.short, PLAIN.format("/a").encode())
        assert none.startswith(b"HTTP/1.1 503 ")


async def test_a_request_in_pieces_and_what_follows_are_answered() -> None:
    async with doors() as pair:
        reader, writer = await asyncio.open_connection("127.0.0.1", pair.short)
        request = PLAIN.format("/films/a.mp4").encode()
        for round_number in range(3):  # short, then in pieces, then whole again
            pieces = (request[:9], request[9:]) if round_number == 1 else (request,)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 302 ")
        writer.close()


@pytest.mark.parametrize("second", ["GET /films/b.mp4 HTTP/1.1", "GET /b HTTP/1.1\r\nX: y"])
async def test_two_requests_at_once_after_one_are_both_answered(second: str) -> None:
    async with doors() as pair:
        reader, writer = await asyncio.open_connection("127.0.0.1", pair.short)
        first = PLAIN.format("/films/a.mp4")
        writer.write(first.encode())
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
            writer.write((first + second + "\r\nHost: router.example\r\n\r\n").encode())
            answers = [await reader.readuntil(b"\r\n\r\n") for _ in range(2)]
        target = second.split()[1].encode()
        assert [b"/films/a.mp4\r\n" in answers[0], target + b"\r\n" in answers[1]] == [True, True]
        writer.close()


async def test_redirects_by_many_picks_are_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "_WAYS_MAX", 2)
    async with doors() as pair:
        take_down(pair.router.fleet, "nyc-0")  # of other sites each pick is made anew
        for number in range(7):
            assert b" 302 " in await ask(pair.short, PLAIN.format(f"/{number}").encode())
    assert pair.answered_short == 7


async def test_what_the_lane_answers_is_counted_with_the_rest() -> None:
    async with doors() as pair:
        for number in range(5):
            await ask(pair.short, PLAIN.format(f"/films/{number}").encode())
    assert pair.answered_short == 5
