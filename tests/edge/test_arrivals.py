"""A request waits beside its like for a turn, longer only if that one's course may be shared."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from edge.arrivals import Arrivals
from edge.exchange import Exchange
from edge.http1.request import parse_request

HEAD = b"GET /a HTTP/1.1\r\nHost: a"


class Desk:
    """Keeps what was begun and remembered."""

    def __init__(self) -> None:
        self.begun: list[Exchange] = []
        self.remembered: list[bytes] = []
        self.arrivals = Arrivals(
            asyncio.get_running_loop(),
            self.begun.append,
            lambda connection, head, request: self.remembered.append(head),
        )

    def exchange(self, head: bytes = HEAD, **connection: Any) -> Exchange:
        """A request on a connection of its own."""
        said = {"neighbour": False, "inner": False, "paced": None, **connection}
        return Exchange(cast(Any, SimpleNamespace(**said)), parse_request(head), 0.0, head)


async def next_turn() -> None:
    await asyncio.sleep(0)


async def test_what_nobody_may_share_is_begun_by_everyone_in_the_next_turn() -> None:
    desk = Desk()
    first, second = desk.exchange(), desk.exchange()
    desk.arrivals.came(first)
    beside = desk.arrivals.beside(second.connection, HEAD)
    assert beside is not None
    beside.exchanges.append(second)
    second.request = beside.request
    await next_turn()
    assert desk.begun == [second]
    assert desk.remembered == [HEAD]
    assert second.request is not first.request
    assert desk.arrivals.beside(second.connection, HEAD) is None


async def test_who_went_on_by_itself_is_not_of_the_gathering_any_more() -> None:
    desk = Desk()
    first, second = desk.exchange(), desk.exchange()
    desk.arrivals.came(first)
    beside = desk.arrivals.beside(second.connection, HEAD)
    assert beside is not None
    beside.exchanges.append(second)
    await next_turn()
    # What the first one asks for later, after it has waited for a disk, is not for the second.
    assert desk.begun == [second]
    assert first.gathering is None


async def test_who_waits_beside_a_question_that_is_on_its_way_is_left_there() -> None:
    desk = Desk()
    first = desk.exchange()
    desk.arrivals.came(first)
    assert first.gathering is not None
    task = asyncio.ensure_future(asyncio.Event().wait())
    asking, epochs = SimpleNamespace(task=task, epoch=0), SimpleNamespace(is_past=lambda *_: False)
    told = SimpleNamespace(miss_class=None, forward=None)
    first.gathering.know(*(cast(Any, each) for each in (asking, b"/a", b"/a", told, epochs)))
    await next_turn()
    assert desk.arrivals.beside(desk.exchange().connection, HEAD) is first.gathering
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert desk.arrivals.beside(desk.exchange().connection, HEAD) is None


async def test_other_heads_and_other_kinds_of_connections_do_not_wait() -> None:
    desk = Desk()
    desk.arrivals.came(desk.exchange())
    assert desk.arrivals.beside(desk.exchange().connection, HEAD + b"\r\nA: b") is None
    for kind in ("neighbour", "inner", "paced"):
        assert desk.arrivals.beside(desk.exchange(HEAD, **{kind: True}).connection, HEAD) is None


async def test_nobody_waits_beside_a_request_that_is_no_get_or_comes_from_a_neighbour() -> None:
    desk = Desk()
    post = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1"
    desk.arrivals.came(desk.exchange(post))
    assert desk.arrivals.beside(desk.exchange().connection, post) is None
    desk.arrivals.came(desk.exchange(neighbour=True))
    assert desk.arrivals.beside(desk.exchange().connection, HEAD) is None
