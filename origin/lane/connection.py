"""One client connection for as long as it asks for nothing but content.

Reads a head, sends the answer's head and the bytes of extents by `sendfile`, reads on. Whatever the
lane does not answer goes over to the full server with the bytes that came; it comes back, as a new
connection of this kind, with the next request that the lane answers.
Holds no timers and no registration; those are `origin.lane.server`'s.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cdnkit.errors import CinedgeError
from cdnkit.service.middleware import choose_request_id
from origin.deliver import new_boundary
from origin.lane.heads import Asked, HeadReader
from origin.lane.hot import Cut, HotHeads, cut_head
from origin.reply import Interval, Reply, Said, format_lines, plan_reply
from origin.store.base import Lease, StoredObject

WINDOW_BYTES: Final = 2 * 1024 * 1024
"""Sent to one client before the others have their turn."""

READ_BYTES: Final = 16 * 1024
_MORE: Final = socket.MSG_MORE | socket.MSG_NOSIGNAL
_LAST: Final = socket.MSG_NOSIGNAL
_END: Final = b"\r\n\r\n"
_CONDITIONS: Final = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"}
)
_STATUS_LINES: Final = {
    200: b"HTTP/1.1 200 OK\r\n",
    206: b"HTTP/1.1 206 Partial Content\r\n",
    304: b"HTTP/1.1 304 Not Modified\r\n",
}


class Library(Protocol):
    """Where objects are found and held open."""

    def find(self, key: str) -> tuple[StoredObject, Said] | None:
        """The object of a key and what is said of it."""

    def lease_now(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """As `ByteStore.lease_now`."""

    async def lease(self, stored: StoredObject, start: int, stop: int) -> Lease | None:
        """As `ByteStore.lease`."""


class Owner(Protocol):
    """What a connection owes to its server."""

    library: Library
    heads: HeadReader
    hots: HotHeads
    now: float
    tail: bytes
    """The last fields of every head, up to the request's id."""

    def may_answer(self) -> bool:
        """False while the process drains."""

    def new_id(self) -> bytes:
        """An id for a request that came without a sane one."""

    def next_turn(self, connection: LaneConnection) -> None:
        """Call `go_on` once the others had their turn."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the loop of sockets."""

    def account(self, answer: Answer, client: str, error: str) -> None:
        """Log and count an answer that ended; `error` is empty when it was complete."""

    def hand_over(self, connection: LaneConnection, data: bytes) -> None:
        """Give the socket to the full server, and `data` as the first bytes read from it."""

    def drop(self, connection: LaneConnection) -> None:
        """Close the socket."""


@dataclass(slots=True, eq=False)
class Answer:
    """An answer under way. `lease` is of the one interval that is sent, if any."""

    asked: Asked
    status: int
    request_id: bytes
    began_at: float
    head: bytes
    lease: Lease | None
    range_text: str
    position: int = 0
    at: int = 0
    ready_until: int = 0
    sent_bytes: int = 0


class LaneConnection:
    """A socket and what is being done with it."""

    __slots__ = (
        "_answer",
        "_fd",
        "_is_working",
        "_owner",
        "_readable",
        "_rest",
        "client",
        "is_back",
        "is_closed",
        "seen_at",
        "sock",
        "was_answered",
    )

    def __init__(self, owner: Owner, sock: socket.socket, client: str, data: bytes = b"") -> None:
        """With `data` it comes back from the full server, which has read so much."""
        self.sock = sock
        self.client = client
        self.seen_at = owner.now
        self.was_answered = False
        self.is_closed = False
        self.is_back = bool(data)
        self._owner = owner
        self._fd = sock.fileno()
        self._answer: Answer | None = None
        self._rest = data
        self._readable = False
        self._is_working = False

    @property
    def is_busy(self) -> bool:
        """Whether an answer is owed."""
        return self._answer is not None or self._is_working

    def on_readable(self) -> None:
        """Bytes came; what is done about them is for `go_on`."""
        self._readable = True

    def go_on(self) -> None:
        """Do what can be done without waiting."""
        while not self.is_closed and not self._is_working:
            if self._answer is None:
                if not self._read():
                    return
            elif not self._send(self._answer):
                return

    def close(self, error: str) -> None:
        """End it here, whatever is owed."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._answer is not None and not self._is_working:
            self._end(self._answer, error)
        self._owner.drop(self)

    def _read(self) -> bool:
        """Begin with the next request; False when there is none, or none for this lane."""
        if not self._rest and not self._receive():
            return False
        owner = self._owner
        self.seen_at = owner.now
        if owner.may_answer():
            cut = cut_head(self._rest)
            if cut is not None and self._begin_hot(cut):
                return True
            end = self._rest.find(_END) + len(_END)
            asked = owner.heads.read(self._rest[:end]) if end >= len(_END) else None
            if asked is not None and self._begin(asked, end, cut):
                return True
        self._hand_over()
        return False

    def _begin_hot(self, cut: Cut) -> bool:
        """Answer as prepared; False when that does not fit this time."""
        owner = self._owner
        hot = owner.hots.get(cut.stem)
        if hot is None or owner.library.find(hot.asked.key) is not hot.found:
            return False
        stored = hot.found[0]
        start, size_bytes = cut.first, stored.size_bytes
        stop = min(cut.stop, size_bytes)
        if start >= stop:
            return False
        lease = owner.library.lease_now(stored, start, stop)
        if lease is None:
            return False
        piece = lease.slices[0]
        ready_until = min(piece.stop, piece.start + WINDOW_BYTES)
        if not lease.is_ready(0, piece.start, ready_until):
            lease.release()
            return False
        request_id = cut.request_id or owner.new_id()
        numbers = (start, stop - 1, size_bytes, stop - start)
        head = b"%b%d-%d/%d\r\nContent-Length: %d\r\n%b%b\r\n\r\n" % (
            hot.prefix,
            *numbers,
            owner.tail,
            request_id,
        )
        asked_range = f"bytes={cut.first}-{cut.stop - 1}"
        self._answer = Answer(hot.asked, 206, request_id, owner.now, head, lease, asked_range)
        self._answer.at, self._answer.ready_until = piece.start, ready_until
        self._rest = b""
        return True

    def _receive(self) -> bool:
        if not self._readable:
            return False
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            self._readable = False
            return False
        except OSError:
            data = b""
        if not data:
            self.close("")
            return False
        # A short read left the socket dry, and its next edge tells of more.
        self._readable = len(data) == READ_BYTES
        self._rest = data
        return True

    def _begin(self, asked: Asked, end: int, cut: Cut | None) -> bool:
        """Make an answer, or begin to; False when the full server has to."""
        library = self._owner.library
        found = library.find(asked.key)
        if found is None:
            return False
        stored, said = found
        try:
            reply = plan_reply(asked.method, asked.fields, said, new_boundary)
        except CinedgeError:
            return False
        if len(reply.segments) > 1:
            return False
        if cut is not None and reply.status == 206 and not _CONDITIONS & asked.fields.keys():
            self._owner.hots.teach(cut.stem, asked, found)
        interval = next((each for each in reply.segments if not isinstance(each, bytes)), (0, 0))
        if interval[0] == interval[1]:
            self._answer = self._make(asked, reply, end, None)
            return True
        lease = library.lease_now(stored, *interval)
        if lease is not None and _is_ready(lease, 0, lease.slices[0].start):
            self._answer = self._make(asked, reply, end, lease)
            return True
        if lease is not None:
            lease.release()
        self._is_working = True
        self._owner.start(self._open(asked, reply, end, stored, interval))
        return True

    async def _open(
        self, asked: Asked, reply: Reply, end: int, stored: StoredObject, interval: Interval
    ) -> None:
        """Begin an answer whose first bytes have to come from the disk."""
        library = self._owner.library
        lease = await _lease_ready(library, stored, interval)
        self._is_working = False
        if lease is not None and not self.is_closed:
            self._answer = self._make(asked, reply, end, lease)
            self.go_on()
            return
        if lease is not None:
            lease.release()
        if not self.is_closed:
            self._hand_over()

    def _make(self, asked: Asked, reply: Reply, end: int, lease: Lease | None) -> Answer:
        self._rest = self._rest[end:]
        owner = self._owner
        offered = asked.fields.get("x-request-id", "")
        request_id = choose_request_id(offered, lambda: owner.new_id().decode()).encode()
        head = format_head(reply, owner.tail, request_id)
        range_text = asked.fields.get("range", "")
        answer = Answer(asked, reply.status, request_id, owner.now, head, lease, range_text)
        if lease is not None:
            piece = lease.slices[0]
            answer.at = piece.start
            answer.ready_until = min(piece.stop, piece.start + WINDOW_BYTES)
        return answer

    def _send(self, answer: Answer) -> bool:
        """Send on; False when that has to wait, or the connection has ended."""
        try:
            if answer.head and not self._send_head(answer):
                return False
            if answer.lease is not None and not self._send_bytes(answer, answer.lease):
                return False
        except BlockingIOError:
            return False
        except (ConnectionError, TimeoutError):
            self.close("client-gone")
            return False
        self._end(answer, "")
        return True

    def _send_head(self, answer: Answer) -> bool:
        sent = self.sock.send(answer.head, _LAST if answer.lease is None else _MORE)
        answer.head = answer.head[sent:]
        return not answer.head

    def _send_bytes(self, answer: Answer, lease: Lease) -> bool:
        """Send one window's worth at most; True when all is sent. Raises what the socket raises."""
        stop_at = answer.sent_bytes + WINDOW_BYTES
        while True:
            piece = lease.slices[answer.position]
            if answer.at == piece.stop:
                answer.position += 1
                if answer.position == len(lease.slices):
                    return True
                answer.at = answer.ready_until = lease.slices[answer.position].start
                continue
            if answer.sent_bytes >= stop_at:
                self._owner.next_turn(self)
                return False
            if answer.at == answer.ready_until:
                answer.ready_until = min(piece.stop, answer.at + WINDOW_BYTES)
                if not lease.is_ready(answer.position, answer.at, answer.ready_until):
                    window = (answer.position, answer.at, answer.ready_until)
                    self._work(answer, lease.make_ready(*window))
                    return False
            try:
                window_bytes = answer.ready_until - answer.at
                sent = os.sendfile(self._fd, piece.fd, answer.at, window_bytes)
            except (BlockingIOError, ConnectionError, TimeoutError):
                raise
            except OSError:
                sent = 0
            if not sent:
                answer.ready_until = answer.at
                self._work(answer, lease.replace(answer.position))
                return False
            answer.at += sent
            answer.sent_bytes += sent
            self.seen_at = self._owner.now

    def _work(self, answer: Answer, work: Coroutine[Any, Any, None]) -> None:
        """Go on once `work` has made the next bytes good; without them, break off."""

        async def do() -> None:
            error = ""
            try:
                await work
            except CinedgeError as failure:
                error = failure.code
            self._is_working = False
            if self.is_closed:
                self._end(answer, "client-gone")
            elif error:
                self.close(error)
            else:
                self.go_on()

        self._is_working = True
        self._owner.start(do())

    def _end(self, answer: Answer, error: str) -> None:
        self._answer = None
        self.was_answered = True
        if answer.lease is not None:
            answer.lease.release()
        self._owner.account(answer, self.client, error)

    def _hand_over(self) -> None:
        self.is_closed = True
        self._owner.hand_over(self, self._rest)


def format_head(reply: Reply, tail: bytes, request_id: bytes) -> bytes:
    """The bytes of a head, as the full server would write it."""
    more = b"" if not reply.more else format_lines(reply.more)
    length = b"" if reply.length is None else b"Content-Length: %d\r\n" % reply.length
    line = _STATUS_LINES[reply.status]
    return b"".join((line, reply.lines, more, length, tail, request_id, _END))


async def _lease_ready(library: Library, stored: StoredObject, interval: Interval) -> Lease | None:
    """A lease whose first bytes are at hand; None when the full server has to say why not."""
    try:
        lease = await library.lease(stored, *interval)
    except CinedgeError:
        return None
    if lease is None:
        return None
    try:
        start = lease.slices[0].start
        await lease.make_ready(0, start, min(lease.slices[0].stop, start + WINDOW_BYTES))
    except CinedgeError:
        lease.release()
        return None
    return lease


def _is_ready(lease: Lease, position: int, at: int) -> bool:
    return lease.is_ready(position, at, min(lease.slices[position].stop, at + WINDOW_BYTES))
