"""The loop of client sockets: pipelines, packets of any cut, refusals, limits, resets and drain."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import random
import socket
from collections.abc import Callable

import pytest

from edge.app import worker
from edge.server import Server
from tests.edge.conftest import (
    BLOCK,
    Asked,
    Edge,
    Origin,
    Plan,
    Script,
    eventually,
    plain_answer,
    says,
)
from tests.helpers.raw_client import CutShortError, RawClient, head

pytestmark = pytest.mark.both_forms

FILM = random.Random(3).randbytes(40 * BLOCK + 77)
LARGE = FILM * 10
"""More than the socket buffers of both sides take."""
PATH = "/a.mp4"
SMALL = "/small"


def small_things(origin: Origin, count: int) -> list[bytes]:
    contents = [b"%d-" % number * (number % 50 + 1) for number in range(count)]
    for number, content in enumerate(contents):
        origin.put(f"/small/{number}", content)
    return contents


def held_back(started: asyncio.Event, go: asyncio.Event, body: bytes) -> Script:
    """Answers when told to."""

    async def script(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        started.set()
        await go.wait()
        writer.write(plain_answer("200 OK", body, "Cache-Control: no-store"))

    return script


async def stalled_reader(edge: Edge) -> RawClient:
    """A client that has asked for more than it reads, of content that is all held."""
    edge.origin.put(PATH, LARGE)
    client = await edge.client(4096)
    for _ in range(2):
        assert (await client.ask(PATH)).body == LARGE
    connections = edge.worker.server.connections
    (connection,) = connections.values()
    await client.send(head(PATH))
    sent_bytes = -1
    while sent_bytes != connection.sent_bytes or not sent_bytes:
        sent_bytes = connection.sent_bytes
        await asyncio.sleep(0.02)
    assert 0 < sent_bytes < len(LARGE)
    return client


def has_begun(edge: Edge) -> bool:
    """Whether a request is being answered."""
    return any(connection.exchange for connection in edge.worker.server.connections.values())


def counted(edge: Edge) -> int:
    """Requests that were written down."""
    return sum(edge.worker.accounts.counters.requests.values())


async def test_300_pipelined_requests_are_answered_in_order(edge: Edge) -> None:
    contents = small_things(edge.origin, 20)
    client = await edge.client()
    sending = asyncio.ensure_future(
        client.send(b"".join(head(f"/small/{number % 20}") for number in range(300)))
    )
    for number in range(300):
        assert (await client.answer()).body == contents[number % 20]
    await sending


async def test_pipelined_answers_larger_than_buffers_keep_order(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    small_things(edge.origin, 2)
    client = await edge.client(receive_buffer_bytes=4096)
    await client.send((head(PATH) + head("/small/1") + head(PATH, "Range: bytes=5-9")) * 3)
    for _ in range(3):
        assert (await client.answer()).body == FILM
        assert (await client.answer()).body == b"1-1-"
        assert (await client.answer()).body == FILM[5:10]


async def test_a_head_may_come_one_byte_at_a_time_after_empty_lines(edge: Edge) -> None:
    edge.origin.put(SMALL, b"small")
    client = await edge.client()
    for _ in range(2):
        await client.send_bytewise(b"\r\n\r\n" + head(SMALL, "Range: bytes=1-2"))
        assert (await client.answer()).body == b"ma"


async def test_a_request_with_content_and_the_next_may_share_a_packet(edge: Edge) -> None:
    edge.origin.scripts["/post"] = says("200 OK", b"thanks")
    edge.origin.put(SMALL, b"small")
    client = await edge.client()
    await client.send(
        head("/post", "Content-Length: 5", method="POST")
        + b"hello"
        + head("/post", "Transfer-Encoding: chunked", method="PUT")
        + b"3\r\nabc\r\n0\r\n\r\n"
        + head(SMALL)
    )
    assert [(await client.answer()).body for _ in range(3)] == [b"thanks", b"thanks", b"small"]
    assert [asked.body for asked in edge.origin.asked[:2]] == [b"hello", b"abc"]


async def test_connection_close_ends_the_connection_after_the_answer(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    client = await edge.client()
    answer = await client.ask(PATH, "Connection: close")
    assert (answer.body, answer.fields["connection"]) == (FILM, "close")
    assert await client.rest() == b""


async def test_a_half_closed_client_still_gets_its_answers_and_then_the_end(edge: Edge) -> None:
    edge.origin.put(PATH, FILM)
    for _ in range(2):
        client = await edge.client()
        await client.send(head(PATH) + head(PATH, "Range: bytes=0-0"))
        client.half_close()
        assert (await client.answer()).body == FILM
        assert (await client.answer()).body == FILM[:1]
        assert await client.rest() == b""


async def test_content_that_never_comes_after_a_half_close_ends_the_connection(edge: Edge) -> None:
    edge.origin.scripts["/post"] = says("200 OK", b"")
    client = await edge.client()
    await client.send(head("/post", "Content-Length: 9", method="POST") + b"four")
    client.half_close()
    assert await client.rest() == b""
    assert edge.worker.server.connections == {}


REFUSED = {
    b"GET /a\r\n\r\n": 400,
    b"GET /a HTTP/1.1\r\n\r\n": 400,
    b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
    b"GET /a HTTP/1.1\r\nHost : a\r\n\r\n": 400,
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n": 414,
    b"GET /a HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 5000 + b"\r\n": 431,
    b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40000 + b"\r\n\r\n": 431,
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n": 501,
    b"GET /a HTTP/2.0\r\nHost: a\r\n\r\n": 505,
    b"TRACE /a HTTP/1.1\r\nHost: a\r\n\r\n": 405,
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: f"{REFUSED[text]}-{text[:12]!r}")
async def test_a_refused_head_gets_a_problem_and_the_connection_ends(
    edge: Edge, text: bytes
) -> None:
    client = await edge.client()
    await client.send(text)
    answer = await client.answer()
    assert answer.status == REFUSED[text]
    assert answer.fields["content-type"] == "application/problem+json"
    assert answer.fields["connection"] == "close"
    told = json.loads(answer.body)
    assert told["status"] == answer.status
    assert answer.fields["x-request-id"] in told["instance"]
    assert await client.rest() == b""
    assert edge.origin.asked == []


async def test_an_answer_is_not_lost_on_a_client_that_still_sends(edge: Edge) -> None:
    client = await edge.client()
    sending = asyncio.ensure_future(
        client.send(head("/livez", "Content-Length: 8000000", method="POST") + bytes(8_000_000))
    )
    with contextlib.suppress(ConnectionError):
        await sending
    answer = await client.answer()
    assert answer.status == 200
    assert answer.fields["connection"] == "close"
    assert await client.rest() == b""
    client.close()
    await eventually(lambda: not edge.worker.server.connections, "no connection is left")


async def test_a_client_that_never_closes_is_waited_for_two_seconds_at_most(edge: Edge) -> None:
    client = await edge.client()
    await client.ask("/livez", "Connection: close")
    assert await client.rest() == b""
    server = edge.worker.server
    (connection,) = server.connections.values()
    assert connection.deadline <= server.now + 2
    # From here on by its own limit: the seconds of a busy machine pass meanwhile.
    server.tick(connection.deadline)
    assert len(server.connections) == 1
    server.tick(connection.deadline + 1)
    assert server.connections == {}


async def test_a_head_that_is_never_whole_ends_at_its_limit(edge: Edge) -> None:
    edge.origin.put(SMALL, b"small")
    fresh, used = await edge.client(), await edge.client()
    await used.ask(SMALL)
    await fresh.send(b"GET ")
    await used.send(b"GET ")
    await eventually(_all_buffered(edge, b"GET "), "both heads have begun")
    edge.pass_seconds(14)
    await fresh.send(b"/a HTTP/1.1\r\n")
    await used.send(b"/a HTTP/1.1\r\n")
    await eventually(_all_buffered(edge, b"GET /a HTTP/1.1\r\n"), "both heads went on")
    edge.pass_seconds(3)
    assert edge.worker.server.connections == {}
    assert await fresh.rest() == await used.rest() == b""


def _all_buffered(edge: Edge, text: bytes) -> Callable[[], bool]:
    return lambda: [c.buffer for c in edge.worker.server.connections.values()] == [text, text]


async def test_an_idle_connection_ends_at_its_limit(edge: Edge) -> None:
    edge.origin.put(SMALL, b"small")
    client = await edge.client()
    for _ in range(3):
        await client.ask(SMALL)
    edge.pass_seconds(75)
    assert (await client.ask(SMALL)).body == b"small"
    edge.pass_seconds(77)
    assert await client.rest() == b""


async def test_a_reader_that_takes_nothing_is_dropped_whatever_it_sends(edge: Edge) -> None:
    client = await stalled_reader(edge)
    server = edge.worker.server
    (connection,) = server.connections.values()
    # The system's buffers may take a little more at first, so one round is not enough to tell.
    for number in range(1, 12):
        if not connection.alive:
            break
        await client.send(b"GET ")
        await eventually(lambda: len(connection.buffer) == 4 * number, "more came")  # noqa: B023
        edge.pass_seconds(20)
    assert server.connections == {}
    with pytest.raises(CutShortError):
        await client.answer()


async def test_content_that_stops_coming_ends_the_connection(edge: Edge) -> None:
    edge.origin.scripts["/post"] = says("200 OK", b"")
    client = await edge.client()
    await client.send(head("/post", "Content-Length: 9", method="POST") + b"four")
    await eventually(lambda: bool(edge.origin.asked), "the origin is asked")
    edge.pass_seconds(62)
    assert edge.worker.server.connections == {}
    assert await client.rest() == b""


async def test_a_slow_origin_is_no_fault_of_the_client(edge: Edge) -> None:
    started, go = asyncio.Event(), asyncio.Event()
    edge.origin.scripts["/slow"] = held_back(started, go, b"done")
    client = await edge.client()
    await client.send(head("/slow", "Content-Length: 0", method="POST"))
    await started.wait()
    edge.pass_seconds(10_000)
    go.set()
    assert (await client.answer()).body == b"done"


async def test_a_connection_over_the_limit_is_turned_away(plan: Plan) -> None:
    plan.origin.put(SMALL, b"small")
    async with plan.but(connections_max=16).start() as edge:
        clients = [await edge.client() for _ in range(16)]
        for client in clients:
            assert (await client.ask(SMALL)).status == 200
        over = await edge.client()
        assert await over.rest() == b""
        assert edge.worker.server.turned_away_total == 1
        clients[0].close()
        await eventually(lambda: len(edge.worker.server.connections) == 15, "one has left")
        assert (await (await edge.client()).ask(SMALL)).status == 200


async def test_drain_lets_answers_in_flight_end_and_takes_no_more(plan: Plan) -> None:
    started, go = asyncio.Event(), asyncio.Event()
    plan.origin.scripts["/slow"] = held_back(started, go, b"done")
    stop, ready = asyncio.Event(), asyncio.Event()
    edge: Edge

    async def serve() -> None:
        nonlocal edge
        async with worker(plan.node(), plan.topology()) as running:
            edge = Edge(running, plan.origin)
            ready.set()
            await stop.wait()

    serving = asyncio.ensure_future(serve())
    await ready.wait()
    address = edge.worker.address
    hot = await stalled_reader(edge)
    idle, slow = await edge.client(), await edge.client()
    await idle.ask(PATH, "Range: bytes=0-0")
    await slow.send(head("/slow"))
    await started.wait()
    stop.set()
    assert await idle.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await RawClient.connect(address.host, address.port)
    go.set()
    assert (await slow.answer()).body == b"done"
    assert (await hot.answer()).body == LARGE
    async with asyncio.timeout(5):
        await serving
    assert edge.worker.server.connections == {}
    assert edge.worker.accounts.counters.cut_short == 0
    assert counted(edge) == 5
    for client in edge.clients:
        client.close()


async def test_200_resets_in_mid_answer_leave_nothing_behind(edge: Edge) -> None:
    server, holdings = edge.worker.server, edge.worker.holdings
    (await stalled_reader(edge)).reset()
    await eventually(lambda: not server.connections, "no connection is left")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(200):
        client = await RawClient.connect(*_of(edge), 4096)
        await client.send(head(PATH, f"Range: bytes={number}-"))
        assert await asyncio.get_running_loop().sock_recv(client.sock, 100)
        client.reset()
    await eventually(lambda: not server.connections, "no connection is left")
    await eventually(lambda: counted(edge) == 203, "all are counted")
    assert [len(entry.readers) for entry in holdings.entries.values()] == [0]
    assert len(os.listdir("/proc/self/fd")) == before
    assert edge.worker.accounts.counters.cut_short == 201


async def test_resets_while_the_origin_is_asked_leave_no_reader(edge: Edge) -> None:
    go = asyncio.Event()

    async def slow(
        asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await go.wait()
        await edge.origin.serve_thing(asked, reader, writer)

    edge.origin.put(PATH, FILM)
    edge.origin.scripts[PATH] = slow
    for _ in range(20):
        client = await RawClient.connect(*_of(edge))
        await client.send(head(PATH))
        await eventually(lambda: has_begun(edge), "it has begun")
        client.reset()
        await eventually(lambda: not edge.worker.server.connections, "it is gone")
    go.set()
    holdings = edge.worker.holdings
    await eventually(lambda: len(holdings.entries) == 1, "the answer became an entry")
    await eventually(lambda: counted(edge) == 20, "all are counted")
    assert [len(entry.readers) for entry in holdings.entries.values()] == [0]
    assert edge.worker.accounts.counters.cut_short == 20


async def test_a_client_that_was_there_before_the_first_tick_is_kept(edge: Edge) -> None:
    running = edge.worker.server
    loop = asyncio.get_running_loop()
    server = Server(
        loop, running._handler, running._refuse, running.limits, running._lane, lambda: None
    )
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server.listen(listener)
    async with await RawClient.connect(*listener.getsockname()) as client:
        await eventually(lambda: bool(server.connections), "it is accepted")
        server.tick(int(loop.time()))
        assert (await client.ask("/livez")).status == 200
    await server.close(0)


async def test_a_connection_knows_its_peer_and_sends_without_delay(edge: Edge) -> None:
    client = await edge.client()
    await client.ask("/livez")
    (connection,) = edge.worker.server.connections.values()
    assert connection.peer == "127.0.0.1"
    assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def _of(edge: Edge) -> tuple[str, int]:
    return edge.worker.address.host, edge.worker.address.port


class Exhausted:
    """A listening socket of a process without descriptors."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.tries = 0

    def fileno(self) -> int:
        return self.listener.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        self.tries += 1
        raise OSError(errno.EMFILE, "too many open files")


async def test_without_descriptors_accepting_rests_until_the_next_tick(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = edge.worker.server
    server.tick(server.now)
    ((fd, listener),) = server.listeners.items()
    exhausted = Exhausted(listener)
    monkeypatch.setitem(server.listeners, fd, exhausted)
    waiting = asyncio.ensure_future(edge.client())
    await eventually(lambda: exhausted.tries > 0, "it was tried")
    client = await waiting
    for _ in range(50):
        await asyncio.sleep(0)
    assert exhausted.tries == server.accept_pauses_total == 1
    assert server.accepted_total == 0
    server._resting[:] = [listener]
    edge.pass_seconds(1)
    assert (await client.ask("/livez")).status == 200
    assert server.accepted_total == 1
