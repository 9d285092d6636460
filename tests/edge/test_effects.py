"""What a request passed on leaves behind; whole conversations are vectors (items 20 and 21)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cdnkit.freshness import CDN
from edge.box.changes import ChangesHere
from edge.cache.disk import Disk
from edge.cache.holdings import Holdings
from edge.effects import Effects
from edge.entry import Entry
from edge.fill import Fills
from edge.storing import Storing
from edge.upstream.lent import Lent
from tests.edge.made import BLOCK, a_request, an_answer, an_entry, lent

ITSELF = "Content-Location: /a"
KEPT = "Cache-Control: max-age=60"
LENGTH = "Content-Length: 4"


@pytest.fixture
async def holdings(tmp_path: Path) -> AsyncIterator[Holdings]:
    made = Holdings([Disk(tmp_path / "cache", 1 << 20)], asyncio.get_running_loop())
    await made.load()
    yield made
    await made.close()


@pytest.fixture
async def effects(holdings: Holdings) -> Effects:
    async def ask(entry: Entry, start: int, stop: int) -> Lent:
        raise AssertionError("nothing is asked for here")

    fills = Fills(holdings, ask, holdings.replaced)
    storing = Storing(holdings, lambda _: CDN, BLOCK)
    return Effects(holdings, fills, storing, ChangesHere(holdings))


def hold(holdings: Holdings, target: bytes) -> None:
    entry = an_entry(0, key=target)
    entry.disk = holdings.disks[0]
    holdings.put(target, a_request().fields, entry)


@pytest.mark.parametrize(
    ("method", "status", "forgotten"),
    [
        ("POST", 200, True),
        ("M-SEARCH", 302, True),
        ("DELETE", 204, True),
        ("PUT", 404, False),
        ("POST", 500, False),
        ("GET", 200, False),
        ("HEAD", 200, False),
        ("OPTIONS", 200, False),
    ],
)
async def test_what_may_have_changed_is_forgotten(
    effects: Effects, holdings: Holdings, method: str, status: int, forgotten: bool
) -> None:
    hold(holdings, b"/a")
    hold(holdings, b"/b")
    answer = lent(an_answer(status, "Location: /b", method=method.encode()))
    await effects.of(a_request(method=method), b"/a", answer)
    assert set(holdings.entries) == (set() if forgotten else {b"/a", b"/b"})


@pytest.mark.parametrize(
    ("status", "lines", "kept"),
    [
        (200, (ITSELF, KEPT), True),
        (200, (ITSELF, "Expires: Thu, 18 Aug 2050 02:01:18 GMT"), True),
        (200, (KEPT,), False),
        (200, ("Content-Location: /b", KEPT), False),
        (200, (ITSELF, 'ETag: "a"'), False),
        (200, (ITSELF, "Cache-Control: max-age=60, no-store"), False),
        (201, (ITSELF, KEPT), False),
    ],
)
async def test_the_answer_to_a_post_is_kept_when_it_says_whose_it_is_and_for_how_long(
    effects: Effects, holdings: Holdings, status: int, lines: tuple[str, ...], kept: bool
) -> None:
    request = a_request("Content-Type: text/x", "Accept: b/c", method="POST")
    keep = await effects.of(request, b"/a", lent(an_answer(status, LENGTH, *lines, method=b"POST")))
    assert (keep is not None) is kept
    if keep is not None:
        keep(b"body")
        entry = holdings.entries[b"/a"]
        assert entry.size_bytes == 4
        assert entry.request_pairs == [(b"accept", b"b/c")]


class Slow(ChangesHere):
    """Some worker has not made the change yet."""

    def __init__(self, holdings: Holdings) -> None:
        super().__init__(holdings)
        self.made = asyncio.Event()

    async def settled(self) -> None:
        await self.made.wait()


async def test_nothing_is_answered_before_every_worker_has_forgotten(holdings: Holdings) -> None:
    async def ask(entry: Entry, start: int, stop: int) -> Lent:
        raise AssertionError("nothing is asked for here")

    slow = Slow(holdings)
    storing = Storing(holdings, lambda _: CDN, BLOCK)
    effects = Effects(holdings, Fills(holdings, ask, holdings.replaced), storing, slow)

    async def of(method: str) -> asyncio.Task[object]:
        answer = lent(an_answer(204, method=method.encode()))
        task = asyncio.ensure_future(effects.of(a_request(method=method), b"/a", answer))
        await asyncio.sleep(0)
        return task

    assert (await of("GET")).done()
    waiting = await of("DELETE")
    assert not waiting.done()
    slow.made.set()
    assert await waiting is None
