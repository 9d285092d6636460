"""An edge counts once it says itself that it had the right bytes at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from origin.packaging.placing import count_holding, is_hit

ETAG = '"1-abc"'


class Edge:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, *, hits_from: int = 1, etag: str = ETAG, status: int = 206) -> None:
        self.asked: list[str] = []
        self._hits_from = hits_from
        self._etag = etag
        self._status = status

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers["Range"])
        hit = len(self.asked) > self._hits_from
        return web.Response(
            status=self._status,
            body=bytes(10),
            headers={"ETag": self._etag, "Cache-Status": "edge; hit" if hit else "edge; fwd=miss"},
        )


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


async def holding(edge: Edge, session: ClientSession) -> int:
    app = web.Application()
    app.router.add_get("/play/a/1/film.mp4", edge.answer)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        return await count_holding([url], {"play/a/1/film.mp4": (10, ETAG)}, session)


async def test_edge_fetches_and_then_counts(session: ClientSession) -> None:
    edge = Edge()
    assert await holding(edge, session) == 1
    assert edge.asked == ["bytes=0-9", "bytes=0-9"]


@pytest.mark.parametrize(
    "edge", [Edge(hits_from=99), Edge(hits_from=0, etag='"old"'), Edge(hits_from=0, status=502)]
)
async def test_edge_without_the_right_bytes_does_not_count(
    edge: Edge, session: ClientSession
) -> None:
    assert await holding(edge, session) == 0


async def test_edge_that_is_gone_does_not_count(session: ClientSession) -> None:
    assert await count_holding(["http://127.0.0.1:9"], {"a": (1, ETAG)}, session) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("edge; hit", True),
        ("shield; fwd=miss, edge; hit; ttl=5", True),
        ("shield; hit, edge; fwd=miss", False),
        ("edge; fwd=miss; detail=hit", False),
        ("", False),
    ],
)
def test_nearest_cache_decides(text: str, expected: bool) -> None:
    assert is_hit(text) is expected
