"""Who asks is noted, and nothing is answered before what it had said has come."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edge.box.greeting import Greeting
from edge.box.link import Link
from edge.box.neighbours import Neighbours
from edge.exchange import Exchange
from tests.edge.made import a_request


def greeting(link: Link) -> Greeting:
    return Greeting(cast(Neighbours, SimpleNamespace(followers={2: link})))


def an_exchange(line: str) -> Exchange:
    nothing = cast(Any, None)
    return Exchange(nothing, a_request(line), 0.0)


async def test_an_asker_is_noted_and_its_line_goes_no_further() -> None:
    link, exchange = Link(lambda *_: None, lambda _: None), an_exchange("Cinedge-Worker: 2 0")
    await greeting(link)(exchange)
    assert exchange.asker == 2
    assert b"cinedge-worker" not in exchange.request.fields
    assert not exchange.borrows


async def test_who_reads_from_our_files_says_so() -> None:
    link, exchange = (
        Link(lambda *_: None, lambda _: None),
        an_exchange("Cinedge-Worker: 2 0 borrows"),
    )
    await greeting(link)(exchange)
    assert (exchange.asker, exchange.borrows) == (2, True)


async def test_it_waits_for_what_was_said_before() -> None:
    link = Link(lambda *_: None, lambda _: None)
    greeted = asyncio.ensure_future(greeting(link)(an_exchange("Cinedge-Worker: 2 1")))
    await asyncio.sleep(0)
    assert not greeted.done()
    link.data_received(b'["touched"]\n')
    await greeted


async def test_the_end_of_the_asker_ends_the_wait() -> None:
    link = Link(lambda *_: None, lambda _: None)
    greeted = asyncio.ensure_future(greeting(link)(an_exchange("Cinedge-Worker: 2 9")))
    await asyncio.sleep(0)
    link.connection_lost(None)
    await greeted


async def test_a_line_that_is_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await greeting(Link(lambda *_: None, lambda _: None))(an_exchange("Cinedge-Worker: x"))
