"""The loop that owns the sockets of the lane: an edge-triggered epoll inside the process's loop.

One registration per connection for its whole life, no transport and no task per request. Decides
when a connection has been silent for too long; what is answered is `origin.lane.connection`'s. The
full server stands behind it, takes over what the lane leaves, and gives connections back.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from cdnkit.dates import format_http_date
from cdnkit.service.connections import GuardedHandler, Limits
from cdnkit.service.health import Health
from cdnkit.wire import CDN_NAME, REQUEST_ID_HEADER
from origin.lane.books import Books
from origin.lane.connection import Answer, LaneConnection, Library
from origin.lane.heads import HeadReader
from origin.lane.hot import HotHeads
from origin.store.volumes import OWN_ERRNOS

TICK_SECONDS: Final = 0.5
_ACCEPTS_AT_ONCE: Final = 64
_EVENTS_AT_ONCE: Final = 256
_IDS_AT_ONCE: Final = 1024
_FLAGS: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_END: Final = b"\r\n\r\n"
_GONE: Final = select.EPOLLERR | select.EPOLLHUP
_READABLE: Final = select.EPOLLIN | select.EPOLLRDHUP


class LaneServer:
    """Connections that ask for content. `full` makes the protocol of one that asks for more."""

    def __init__(
        self,
        library: Library,
        full: Callable[[], asyncio.Protocol],
        books: Books,
        health: Health,
        limits: Limits,
        now: Callable[[], float],
    ) -> None:
        self.library = library
        self.heads = HeadReader()
        self.hots = HotHeads()
        self.connections: set[LaneConnection] = set()
        self._full = full
        self._books = books
        self._health = health
        self._limits = limits
        self._wall = now
        self._loop = asyncio.get_running_loop()
        self.now, self._moment = self._loop.time(), now()
        self._epoll = select.epoll()
        self._listeners: dict[int, socket.socket] = {}
        self._by_fd: dict[int, LaneConnection] = {}
        self._waiting: deque[LaneConnection] = deque()
        self._is_scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids: list[bytes] = []
        self.tail = b""
        self._idle = asyncio.Event()
        self.tick()
        self._loop.add_reader(self._epoll.fileno(), self._turn)

    def listen(self, listener: socket.socket) -> None:
        """Take connections from a bound, listening, non-blocking socket, which is closed by us."""
        self._listeners[listener.fileno()] = listener
        self._epoll.register(listener.fileno(), select.EPOLLIN)

    def stop_listening(self) -> None:
        """Take no more connections, and close those that are owed nothing."""
        for fd, listener in self._listeners.items():
            self._epoll.unregister(fd)
            listener.close()
        self._listeners.clear()
        for connection in tuple(self.connections):
            if not connection.is_busy:
                connection.close("")

    async def close(self, grace_seconds: float) -> None:
        """Let answers finish for so long, then end everything; again is no error."""
        if self._epoll.closed:
            return
        self.stop_listening()
        try:
            async with asyncio.timeout(grace_seconds):
                while self.connections:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            for connection in tuple(self.connections):
                connection.close("stopped")
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._books.settle()
        self._books.show_busy(0)
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def tick(self) -> None:
        """Write date and books anew, and end what has been silent for too long."""
        self.now, self._moment = self._loop.time(), self._wall()
        self._books.settle()
        self._books.show_busy(sum(each.is_busy for each in self.connections))
        date = format_http_date(self._moment)
        self.tail = f"Date: {date}\r\nServer: {CDN_NAME}\r\n{REQUEST_ID_HEADER}: ".encode()
        for connection in tuple(self.connections):
            self._judge_silence(connection)

    def may_answer(self) -> bool:
        """False while the process drains: the full server says so to clients."""
        return not self._health.is_draining

    def new_id(self) -> bytes:
        """Sixteen hexadecimal digits, not guessable."""
        if not self._ids:
            drawn = os.urandom(8 * _IDS_AT_ONCE).hex().encode()
            self._ids = [drawn[at : at + 16] for at in range(0, len(drawn), 16)]
        return self._ids.pop()

    def next_turn(self, connection: LaneConnection) -> None:
        """Go on with it once the others had their turn."""
        self._waiting.append(connection)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the sockets."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # What goes on at its end may want another turn.
        task.add_done_callback(lambda _: self._schedule())

    def account(self, answer: Answer, client: str, error: str) -> None:
        """Count and log."""
        seconds = self._loop.time() - answer.began_at
        self._books.enter(answer, client, self._moment, seconds, error)
        if self._health.is_draining:
            self._loop.call_soon(self._settle)

    def hand_over(self, connection: LaneConnection, data: bytes) -> None:
        """Give the socket to the full server."""
        self._forget(connection)
        full = self._full()
        # One that came back for nothing would come back for nothing again.
        if isinstance(full, GuardedHandler) and (connection.was_answered or not connection.is_back):
            full.offer(self)
        self.start(self._give(full, connection.sock, data))

    def wants(self, data: bytes) -> bool:
        """Whether the lane can answer what comes to the full server; not while we stop."""
        if not self._listeners or not self.may_answer():
            return False
        asked = self.heads.read(data[: data.find(_END) + len(_END)])
        return asked is not None and self.library.find(asked.key) is not None

    def take(self, sock: socket.socket, data: bytes) -> None:
        """Go on with a connection that was handed over."""
        try:
            client = str(sock.getpeername()[0])
        except OSError:
            sock.close()
            return
        self._hold(LaneConnection(self, sock, client, data))

    def drop(self, connection: LaneConnection) -> None:
        """Close the socket."""
        self._forget(connection)
        connection.sock.close()

    async def _give(self, full: asyncio.Protocol, sock: socket.socket, data: bytes) -> None:
        class Primed(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                transport.set_protocol(full)
                full.connection_made(transport)
                if data:
                    full.data_received(data)

        try:
            await self._loop.connect_accepted_socket(Primed, sock)
        except OSError:
            sock.close()

    def _turn(self) -> None:
        """What has happened, a bounded number of sockets at a time."""
        self.now, self._moment = self._loop.time(), self._wall()
        waiting, self._waiting = self._waiting, deque()
        for connection in waiting:
            connection.go_on()
        for fd, events in self._epoll.poll(0, _EVENTS_AT_ONCE):
            connection_here = self._by_fd.get(fd)
            if connection_here is None:
                if fd in self._listeners:
                    self._accept(self._listeners[fd])
            elif events & _GONE:
                connection_here.close("client-gone")
            else:
                if events & _READABLE:
                    connection_here.on_readable()
                connection_here.go_on()
        self._schedule()

    def _schedule(self) -> None:
        """Come again soon for those whose turn is over but whose socket takes more."""
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._again)

    def _again(self) -> None:
        self._is_scheduled = False
        self._turn()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in OWN_ERRNOS:
                    self._rest(listener)
                return
            if len(self.connections) >= self._limits.connections_max:
                self._books.count_closed("too-many-connections")
                sock.close()
                continue
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hold(LaneConnection(self, sock, str(peer[0])))

    def _hold(self, connection: LaneConnection) -> None:
        fd = connection.sock.fileno()
        self.connections.add(connection)
        self._by_fd[fd] = connection
        self._books.connections.inc()
        self._epoll.register(fd, _FLAGS)
        if connection.is_back:
            self.next_turn(connection)
            self._schedule()

    def _rest(self, listener: socket.socket) -> None:
        """Out of descriptors: a listener that stays readable would take all the time there is."""
        self._epoll.unregister(listener.fileno())
        self._loop.call_later(TICK_SECONDS, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if listener.fileno() in self._listeners:
            self._epoll.register(listener.fileno(), select.EPOLLIN)

    def _forget(self, connection: LaneConnection) -> None:
        if connection in self.connections:
            self.connections.discard(connection)
            fd = connection.sock.fileno()
            del self._by_fd[fd]
            self._epoll.unregister(fd)
            self._books.connections.dec()
        self._idle.set()

    def _settle(self) -> None:
        """While we stop, a connection ends with its answer."""
        for connection in tuple(self.connections):
            if not connection.is_busy and not self._listeners:
                connection.close("")

    def _judge_silence(self, connection: LaneConnection) -> None:
        limits = self._limits
        if connection.is_busy:
            most, reason = limits.write_timeout_seconds, "write-timeout"
        elif connection.was_answered:
            most, reason = limits.keepalive_timeout_seconds, ""
        else:
            most, reason = limits.head_timeout_seconds, "head-timeout"
        if self.now - connection.seen_at > most:
            if reason:
                self._books.count_closed(reason)
            connection.close("client-gone")
