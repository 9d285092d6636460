"""The loop that owns client sockets: a raw edge-triggered epoll inside the process's uvloop loop.

One registration per connection for its whole life, no call into asyncio per request; the epoll
descriptor is a reader of the surrounding loop, so coroutines (misses, admin, feed) share the
thread and no request is handed between threads (docs/decisions/0001-client-loop.md). What a
request means is the handler's business; this module receives, sends, keeps time limits and never
waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final

from edge.arrivals import Arrivals
from edge.body import Progress
from edge.connection import Connection
from edge.exchange import Exchange
from edge.fastlane import FastLane
from edge.http1.request import HEAD_BYTES_MAX, RefusedError, Request, parse_request
from edge.rounds import Rounds
from edge.tls import Certificates, hear

_EDGE_FLAGS: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_SECURE_FLAGS: Final = _EDGE_FLAGS | select.EPOLLRDNORM
"""Readable TLS connections never report what `edge.rounds` reads: their bytes are no request's."""
_ACCEPTS_PER_TURN: Final = 64
_READ_BYTES: Final = 64 * 1024
_LINGER_SECONDS: Final = 2
_LINGER_READS: Final = 16
"""Reads per event of a connection that is only waited for; new bytes bring the next event."""
_MORE: Final = socket.MSG_MORE | socket.MSG_NOSIGNAL
_LAST: Final = socket.MSG_NOSIGNAL
_FOREVER: Final = 1 << 62
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Handler = Callable[[Exchange], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may cost."""

    head_timeout_seconds: float = 15.0
    idle_timeout_seconds: float = 75.0
    write_timeout_seconds: float = 60.0
    connections_max: int = 60_000


class Server:
    """Accepts connections and runs one `handler` coroutine per request of the full path.

    `refuse` makes the whole answer to a head that was refused, given its client. Times are whole
    seconds of `now`, which `tick` moves on.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handler: Handler,
        refuse: Callable[[RefusedError, str], bytes],
        limits: Limits,
        lane: FastLane,
        on_records: Callable[[], None],
        wall_clock: Callable[[], float] = time.time,
        certificates: Certificates | None = None,
    ) -> None:
        self.loop = loop
        self.limits = limits
        self.connections: dict[int, Connection] = {}
        self.arrivals = Arrivals(loop, self.begin, lane.remember)
        self.accepted_total = 0
        self.turned_away_total = 0
        self.accept_pauses_total = 0
        self.now = int(loop.time())
        self._handler = handler
        self._refuse = refuse
        self._epoll = select.epoll()
        self.listeners: dict[int, socket.socket] = {}
        self._resting: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._dropped = asyncio.Event()
        self._lane = lane
        self._wall_clock = wall_clock
        self._certificates = certificates
        self._rounds = Rounds(self, lane, self._epoll.poll, wall_clock, on_records)
        self._rounds.idle_deadline = self.now + int(limits.idle_timeout_seconds) + 1
        loop.add_reader(self._epoll.fileno(), self._rounds.turn)

    def listen(self, listener: socket.socket) -> None:
        """Take connections from a bound, listening, non-blocking socket."""
        self.listeners[listener.fileno()] = listener
        self._epoll.register(listener.fileno(), select.EPOLLIN)

    def tick(self, now: int) -> None:
        """Once a second: move the coarse clock on and end connections past their time limit."""
        self.now = now
        resting, self._resting = self._resting, []
        for listener in resting:
            self.listen(listener)
        self._lane.begin_turn(self._wall_clock())
        self._rounds.idle_deadline = now + int(self.limits.idle_timeout_seconds) + 1
        for connection in [c for c in self.connections.values() if c.deadline < now]:
            self.drop(connection)

    def pump(self, connection: Connection) -> None:
        """Send what can be sent, then answer the next complete request of the buffer."""
        while connection.fd >= 0 and not connection.lingering:
            exchange = connection.exchange
            if connection.head or connection.left or connection.body is not None:
                if not self._flush(connection):
                    return
                if connection.fd < 0:
                    return
                if exchange is None or exchange.answered:
                    self._finish(connection)
                continue
            if exchange is not None and not exchange.answered:
                return
            if not self._next_request(connection):
                return

    def receive(self, connection: Connection) -> None:
        """Read until the socket is dry or the buffer holds enough for now."""
        while connection.fd >= 0:
            if len(connection.buffer) > HEAD_BYTES_MAX + _READ_BYTES:
                connection.readable = True
                return
            try:
                data = connection.recv(_READ_BYTES)
            except BlockingIOError:
                connection.readable = False
                return
            except OSError:
                self.drop(connection)
                return
            if not data:
                connection.readable = False
                connection.eof = True
                return
            connection.buffer += data
            if len(data) < _READ_BYTES and connection.channel is None:
                # Short read: the socket was dry then, and its next edge tells of more.
                connection.readable = False
                return

    def drop(self, connection: Connection) -> None:
        """Close at once; whatever was going on learns of it."""
        fd, connection.fd = connection.fd, -1
        if fd < 0:
            return
        del self.connections[fd]
        self._dropped.set()
        connection.sock.close()
        connection.left = 0
        connection.head = b""
        connection.file = None
        connection.buffer = b""
        body, connection.body = connection.body, None
        if body is not None:
            body.close()
        reader, connection.reader = connection.reader, None
        if reader is not None:
            reader.leave()
        if connection.hint is not None:
            connection.hint.cancel()
        exchange, connection.exchange = connection.exchange, None
        if exchange is not None:
            exchange.end(complete=False)
        if connection.owed is not None:
            self._lane.settle(connection, complete=False)

    async def close(self, grace_seconds: float) -> None:
        """Stop accepting, let answers in flight end within the grace, then drop the rest."""
        self._draining = True
        for fd, listener in self.listeners.items():
            self._epoll.unregister(fd)
            listener.close()
        self.listeners.clear()
        for listener in self._resting:
            listener.close()
        self._resting.clear()
        for connection in list(self.connections.values()):
            if connection.exchange is None and connection.owed is None and not connection.head:
                self.drop(connection)
        until = self.loop.time() + grace_seconds
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                # Answers of the fast lane and of crowds have no task.
                while any(each.owed or each.exchange for each in self.connections.values()):
                    self._dropped.clear()
                    await self._dropped.wait()
        for connection in list(self.connections.values()):
            self.drop(connection)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def take(self, connection: Connection, data: bytes, readable: bool) -> None:
        """Bytes for an idle connection that the fast lane does not answer; `readable` says that
        its socket may hold more."""
        connection.buffer = data
        connection.idle = False
        if readable:
            self.receive(connection)
        elif not data:
            connection.eof = True
        self.pump(connection)

    def ready(self, connection: Connection, event: int) -> None:
        """Go on with a connection that an event has come for, whatever it is doing."""
        if connection.channel is not None and not hear(
            connection,
            connection.channel,
            self._lane.stand_in or self._lane.answer,
            self._rounds.idle_deadline,
        ):
            return
        if event & (select.EPOLLIN | select.EPOLLRDHUP):
            self.receive(connection)
            if event & select.EPOLLRDHUP:
                # Data and the end of the stream may share an edge; a short read saw only data.
                connection.readable = not connection.eof
            if connection.exchange is not None and connection.fd >= 0:
                connection.exchange.arrived()
        if connection.fd >= 0:
            self.pump(connection)

    def accept(self, listener: socket.socket) -> None:
        """Take the connections that wait at a listener, or some of them."""
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, peer = listener.accept()
            except ConnectionError:
                continue
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._rest(listener)
                return
            neighbour = listener.family == socket.AF_UNIX
            if len(self.connections) >= self.limits.connections_max and not neighbour:
                self.turned_away_total += 1
                sock.close()
                continue
            self.accepted_total += not neighbour
            sock.setblocking(False)
            channel = None
            if self._certificates is not None and not neighbour:
                try:
                    channel = self._certificates.wrap(sock)
                except OSError:
                    sock.close()
                    continue
                sock = channel.sock
            fd = sock.fileno()
            connection = Connection(
                self, sock, fd, "" if neighbour else peer[0], channel, neighbour
            )
            connection.deadline = self.now + int(self.limits.head_timeout_seconds) + 1
            self.connections[fd] = connection
            self._epoll.register(fd, _EDGE_FLAGS if channel is None else _SECURE_FLAGS)

    def _rest(self, listener: socket.socket) -> None:
        """Nothing can be accepted: leave the queue alone until the next tick, or we would spin."""
        self.accept_pauses_total += 1
        del self.listeners[listener.fileno()]
        self._epoll.unregister(listener.fileno())
        self._resting.append(listener)

    def _next_request(self, connection: Connection) -> bool:
        """Begin the next request; False when none is complete (or the connection went)."""
        if connection.readable:
            self.receive(connection)
        buffer = connection.buffer
        if buffer[:1] in b"\r\n":
            buffer = buffer.lstrip(b"\r\n")
        end = buffer.find(b"\r\n\r\n", 0, HEAD_BYTES_MAX)
        if end < 0:
            return self._incomplete(connection, buffer)
        head, connection.buffer = buffer[:end], buffer[end + 4 :]
        beside = None if self._draining else self.arrivals.beside(connection, head)
        if beside is not None:
            beside.exchanges.append(self._enter(connection, beside.request, head))
            return False
        try:
            request = parse_request(head)
        except RefusedError as refusal:
            self._refused(connection, refusal)
            return True
        self._lane.remember(connection, head, request)
        exchange = self._enter(connection, request, head)
        self.begin(exchange)
        self.arrivals.came(exchange)
        return connection.exchange is None

    def _incomplete(self, connection: Connection, buffer: bytes) -> bool:
        connection.buffer = buffer
        connection.idle = not buffer
        if len(buffer) >= HEAD_BYTES_MAX:
            self._refused(connection, RefusedError(431, "the request head is too long"))
            return True
        if connection.eof or self._draining:
            self._leave(connection)
        elif buffer and connection.deadline > self.now + self.limits.head_timeout_seconds + 1:
            # The head has begun: from now on it has its own, shorter limit, which more bytes of
            # it do not extend.
            connection.deadline = self.now + int(self.limits.head_timeout_seconds) + 1
        return False

    def _refused(self, connection: Connection, refusal: RefusedError) -> None:
        connection.closing = True
        connection.idle = False
        connection.buffer = b""
        connection.head = self._refuse(refusal, connection.peer)

    def _enter(self, connection: Connection, request: Request, head: bytes) -> Exchange:
        connection.idle = False
        connection.closing = not request.keep_alive or self._draining
        connection.deadline = _FOREVER
        connection.sent_bytes = 0
        exchange = connection.exchange = Exchange(connection, request, self.loop.time(), head)
        return exchange

    def begin(self, exchange: Exchange) -> None:
        """Have a request handled that nothing was done for yet."""
        # A context of its own: what woke this connection may have been done for another request.
        task = self.loop.create_task(self._handler(exchange), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush(self, connection: Connection) -> bool:
        """Send until the answer is out (True) or nothing more can be sent now (False)."""
        before = connection.sent_bytes
        try:
            while True:
                if connection.head and not self._send_head(connection):
                    return False
                while connection.left:
                    if not self._send_file(connection):
                        return False
                connection.file = None
                body = connection.body
                if body is None:
                    return True
                progress = body.advance(connection)
                if progress is Progress.DONE:
                    connection.body = None
                    body.close()
                elif progress is not Progress.READY:
                    if progress is Progress.BROKEN:
                        self.drop(connection)
                    elif progress is Progress.FULL:
                        self.stalled(connection)
                    else:
                        connection.deadline = _FOREVER
                    return False
        except BlockingIOError:
            if connection.sent_bytes > before or connection.deadline == _FOREVER:
                self.stalled(connection)
        except OSError:
            self.drop(connection)
        return False

    def _send_head(self, connection: Connection) -> bool:
        head = connection.head
        size = connection.send(head, _MORE if connection.left else _LAST)
        connection.sent_bytes += size
        connection.head = head[size:] if size < len(head) else b""
        if connection.head:
            self.stalled(connection)
            return False
        return True

    def _send_file(self, connection: Connection) -> bool:
        file = connection.file
        assert file is not None
        size = connection.send_file(file.fd, connection.offset, connection.left)
        if size == 0:
            # The file is shorter than its block: never end such an answer cleanly.
            self.drop(connection)
            return False
        connection.offset += size
        connection.left -= size
        connection.sent_bytes += size
        if connection.left:
            self.stalled(connection)
            return False
        return True

    def stalled(self, connection: Connection) -> None:
        """The socket takes no more: its reader has this long to take some."""
        connection.idle = False
        connection.deadline = self.now + int(self.limits.write_timeout_seconds) + 1

    def _finish(self, connection: Connection) -> None:
        """The answer is out."""
        exchange, connection.exchange = connection.exchange, None
        if exchange is not None:
            exchange.end(complete=True)
        if connection.owed is not None:
            self._lane.settle(connection, complete=True)
        connection.idle = not connection.buffer
        if connection.closing:
            self._close_gently(connection)
            return
        connection.deadline = self.now + int(self.limits.idle_timeout_seconds) + 1

    def _close_gently(self, connection: Connection) -> None:
        """Half-close first: closing with unread input would reset the answer (RFC 9112 9.6)."""
        self.stalled(connection)
        connection.lingering = True
        connection.buffer = b""
        self.linger(connection)

    def _leave(self, connection: Connection) -> None:
        """Nothing is going on: TLS says farewell, after what it still owes."""
        if connection.channel is None or connection.channel.shaking:
            self.drop(connection)
        else:
            self._close_gently(connection)

    def linger(self, connection: Connection) -> None:
        """Forget what the client still sends, until it closes too or its time is up."""
        try:
            if not connection.ended:
                connection.end()
                connection.deadline = self.now + _LINGER_SECONDS
            for _ in range(_LINGER_READS):
                if not os.read(connection.fd, _READ_BYTES):
                    break
            else:
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.drop(connection)
