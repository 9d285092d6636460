"""What a connection remembers, and that its loss is seen."""

from __future__ import annotations

import random
import socket

import pytest

from edge.connection import MATCHES_NOTHING
from tests.edge.conftest import BLOCK, Edge, eventually
from tests.helpers.raw_client import head

pytestmark = pytest.mark.both_forms

FILM = random.Random(51).randbytes(3 * BLOCK)


async def test_a_connection_between_requests_holds_nothing_of_the_last(edge: Edge) -> None:
    edge.origin.put("/a", FILM)
    client = await edge.client()
    for _ in range(3):
        await client.ask("/a")
        (connection,) = edge.worker.server.connections.values()
        await eventually(lambda: connection.exchange is None, "the answer is out")  # noqa: B023
        assert connection.alive
        assert connection.idle
        assert not connection.head
        assert not connection.left
        assert not connection.buffer
        assert connection.file is None
        assert connection.body is None


async def test_a_cork_is_set_once_and_taken_off(edge: Edge) -> None:
    client = await edge.client()
    await eventually(lambda: bool(edge.worker.server.connections), "it is connected")
    (connection,) = edge.worker.server.connections.values()
    for on in (True, True, False, False):
        connection.cork(on)
        said = connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK)
        assert bool(said) is connection.corked is on
    client.close()


async def test_a_header_block_is_remembered_only_once_it_was_parsed(edge: Edge) -> None:
    edge.origin.put("/a", FILM)
    client = await edge.client()
    await client.send(b"GET /a HT")
    server = edge.worker.server
    await eventually(lambda: bool(server.connections), "it is connected")
    (connection,) = server.connections.values()
    assert connection.plain == connection.before == connection.after == MATCHES_NOTHING
    await client.send(head("/a")[9:])
    await client.answer()
    assert connection.plain == head("/a")[6:]


async def test_a_client_that_leaves_is_dropped_with_all_it_held(edge: Edge) -> None:
    edge.origin.put("/a", FILM)
    client = await edge.client()
    await client.ask("/a", "Range: bytes=0-9")
    (connection,) = edge.worker.server.connections.values()
    (entry,) = edge.worker.holdings.entries.values()
    assert len(entry.readers) == 1, "its read-ahead goes on"
    client.close()
    await eventually(lambda: not connection.alive, "it is dropped")
    assert connection.reader is None
    assert not entry.readers
