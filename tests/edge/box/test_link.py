"""Messages come in order and in batches, and whoever waits for one that never comes hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.box.link import UNREAD_BYTES_MAX, Link, LinkLostError, Message
from tests.edge.conftest import eventually


@dataclass
class Pair:
    heard: list[Message] = field(default_factory=list)
    lost: list[Link] = field(default_factory=list)
    near: Link | None = None
    far: Link | None = None

    def link(self) -> Link:
        return Link(lambda _, message: self.heard.append(message), self.lost.append)

    def accept(self) -> Link:
        self.far = self.link()
        return self.far


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    made, loop = Pair(), asyncio.get_running_loop()
    server = await loop.create_unix_server(made.accept, str(tmp_path / "s"))
    _, made.near = await loop.create_unix_connection(made.link, str(tmp_path / "s"))
    await eventually(lambda: made.far is not None, "it is accepted")
    yield made
    server.close()
    made.near.close()


async def test_messages_come_whole_and_in_order(pair: Pair) -> None:
    assert pair.near is not None
    assert pair.far is not None
    told: list[Message] = [["a", 1], ["b", None, "x" * 300_000], ["c", [1, 2]]]
    for message in told:
        pair.near.send(*message)
    await pair.far.reached(3)
    assert pair.heard == told
    assert pair.near.sent == pair.far.received == 3


async def test_a_wait_ends_with_the_link(pair: Pair) -> None:
    assert pair.near is not None
    assert pair.far is not None
    waiting = asyncio.ensure_future(pair.far.reached(1))
    await asyncio.sleep(0)
    pair.near.close()
    with pytest.raises(LinkLostError):
        await waiting
    with pytest.raises(LinkLostError):
        await pair.far.reached(1)
    await pair.near.lost
    assert set(pair.lost) == {pair.near, pair.far}


async def test_who_does_not_read_is_given_up(pair: Pair) -> None:
    assert pair.near is not None
    assert pair.far is not None
    transport = pair.far._transport
    assert transport is not None
    transport.pause_reading()
    pair.near.send("much", "x" * (UNREAD_BYTES_MAX + (1 << 20)))
    await pair.near.lost
    assert pair.near.closed
