"""TLS on client sockets: what connections are made with, and one connection's channel.

A `Channel` has the three calls of a plain socket that the loop and the lanes use (`recv`, `send`,
`send_file`) and their manners: short counts, BlockingIOError when the socket is full or dry. What
OpenSSL has begun to send it must be given again, byte for byte; the channel keeps that itself, as
the kernel keeps what a plain socket took. Who waits, for how long and for what is the server's
business (docs/decisions/0012-tls.md).
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from os import preadv
from typing import TYPE_CHECKING, Any, Final

from cdnkit.service.certificates import HSTS_FIELD, KERNEL_TLS, TlsSettings
from cdnkit.service.certificates import CertificateError as CertificateError
from cdnkit.service.certificates import Certificates as Served

if TYPE_CHECKING:
    from edge.connection import Connection

RECORD_BYTES: Final = 16 * 1024
"""The largest TLS record: each is one write to the socket."""
SLICE_BYTES: Final = 64 * 1024
"""Given to OpenSSL at once, and so what a reader that stalls may leave with us."""
HEAD_BYTES: Final = 8 * 1024
"""A head up to here shares its first record with the content."""
_BLOCKED: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)
_TCP_ULP: Final = 31
_SOL_TLS: Final = 282
_TLS_TX: Final = 1
_ULP_NAME_BYTES: Final = 16
_CRYPTO_INFO_BYTES: Final = 4

_RECORDS_PER_EVENT: Final = 16
_READ_BYTES: Final = RECORD_BYTES


class Certificates(Served):
    """The context of viewers' connections, and channels on it."""

    def __init__(self, settings: TlsSettings) -> None:
        super().__init__(settings)
        self._scratch = memoryview(bytearray(HEAD_BYTES + SLICE_BYTES))

    def wrap(self, sock: socket.socket) -> Channel:
        """A channel on an accepted socket, its handshake still to come. Raises OSError."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return Channel(wrapped, self._scratch)


def certificates_of(settings: TlsSettings | None) -> tuple[Certificates | None, bytes]:
    """What an edge proves its name with, and the line that tells viewers to come by https only.

    Raises CertificateError.
    """
    made = None if settings is None else Certificates(settings)
    line = b"" if made is None or not made.hsts else f"{HSTS_FIELD}: {made.hsts}\r\n".encode()
    return made, line


def kernel_sends(sock: socket.socket) -> bool:
    """Whether the kernel encrypts what is written to this socket, so that sendfile may be used."""
    try:
        name = sock.getsockopt(socket.IPPROTO_TCP, _TCP_ULP, _ULP_NAME_BYTES)
        sock.getsockopt(_SOL_TLS, _TLS_TX, _CRYPTO_INFO_BYTES)
    except OSError:
        return False
    return name.rstrip(b"\0") == b"tls"


class Channel:
    """The encrypted side of one connection.

    `scratch` is room for what is being encrypted; channels of one thread share it.
    """

    __slots__ = (
        "_corked",
        "_head",
        "_kernel",
        "_read",
        "_scratch",
        "_sock",
        "_unsent",
        "_write_records",
        "shaking",
    )

    def __init__(self, sock: ssl.SSLSocket, scratch: memoryview) -> None:
        self.shaking = True
        self._sock = sock
        # What an SSLSocket wraps in two more calls of Python each: 1.8 us of a small answer's 11.8.
        direct: Any = getattr(sock, "_sslobj", None) or sock
        self._read: Callable[[int], bytes] = direct.read
        self._write_records: Callable[[bytes | memoryview], int] = direct.write
        self._scratch = scratch
        self._head = b""
        self._unsent = b""
        self._corked = False
        self._kernel = False

    @property
    def sock(self) -> ssl.SSLSocket:
        """The socket, which owns the descriptor."""
        return self._sock

    @property
    def owes(self) -> bool:
        """Whether bytes that were taken have not reached the socket."""
        return bool(self._unsent)

    def shake(self) -> None:
        """Go on with the handshake. Raises BlockingIOError until it is done, OSError."""
        try:
            self._sock.do_handshake()
        except _BLOCKED:
            raise BlockingIOError from None
        self.shaking = False
        self._kernel = bool(KERNEL_TLS) and kernel_sends(self._sock)

    def recv(self, size: int) -> bytes:
        """Like socket.recv; at most one record, so a short answer does not mean a dry socket."""
        data = self.hear(size)
        if data is None:
            raise BlockingIOError
        return data

    def hear(self, size: int) -> bytes | None:
        """The same, but None when the socket is dry: of each answer's two reads, the second is."""
        try:
            return self._read(size)
        except _BLOCKED:
            return None
        except ssl.SSLEOFError:
            # A client that just closes is no attack here: requests say themselves where they end.
            return b""

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:
        """Like socket.send. With MSG_MORE the bytes wait here: a file has to follow."""
        if self._unsent:
            self.flush()
        if flags & socket.MSG_MORE and len(data) <= HEAD_BYTES and not self._kernel:
            self._head = bytes(data)
            return len(data)
        size = len(data)
        if size <= SLICE_BYTES:
            self._write(data)
            return size
        sent = 0
        view = memoryview(data)
        while sent < size and not self._unsent:
            piece = view[sent : sent + SLICE_BYTES]
            self._write(piece)
            sent += len(piece)
        return sent

    def send_file(self, file_fd: int, offset: int, size: int) -> int:
        """Like os.sendfile; 0 at the end of the file."""
        if self._unsent:
            self.flush()
        if self._kernel:
            return os.sendfile(self._sock.fileno(), file_fd, offset, size)
        start = len(self._head)
        if size + start > RECORD_BYTES and not self._corked:
            # Each record is a write; only together do they fill their segments.
            self._cork(True)
        scratch = self._scratch
        scratch[:start] = self._head
        self._head = b""
        taken = 0
        while taken < size and not self._unsent:
            stop = start + min(size - taken, SLICE_BYTES)
            count = preadv(file_fd, [scratch[start:stop]], offset + taken)
            if not count:
                break
            self._write(scratch[: start + count])
            taken += count
            start = 0
        if self._corked and not self._unsent and taken == size:
            self._cork(False)
        return taken

    def flush(self) -> None:
        """Send what was taken before. Raises BlockingIOError, OSError."""
        if self._unsent:
            try:
                self._write_records(self._unsent)
            except _BLOCKED:
                raise BlockingIOError from None
            self._unsent = b""
        if self._corked:
            self._cork(False)

    def end(self) -> None:
        """Say that no more comes (close_notify) and close that side. Raises like `flush`."""
        self.flush()
        if not self.shaking:
            try:
                self._sock.unwrap()
            except ssl.SSLWantWriteError:
                raise BlockingIOError from None
            except ssl.SSLError:
                # It would wait for the other side's farewell, and we do not.
                pass
        self._sock.shutdown(socket.SHUT_WR)

    def _write(self, data: bytes | memoryview) -> None:
        try:
            self._write_records(data)
        except _BLOCKED:
            # OpenSSL holds its first record and insists on the same bytes next time.
            self._unsent = bytes(data)

    def _cork(self, on: bool) -> None:
        self._corked = on
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


def hear(
    connection: Connection,
    channel: Channel,
    answer: Callable[[Connection, bytes], bool],
    idle_deadline: int,
) -> bool:
    """Go on with the handshake, then with requests for as long as `answer` takes them.

    True when the event is left to the full path. What OpenSSL has read and not handed out brings
    no event, so it is asked until it has nothing.
    """
    try:
        if channel.shaking:
            channel.shake()
        elif channel.owes:
            with contextlib.suppress(BlockingIOError):
                channel.flush()
        for _ in range(_RECORDS_PER_EVENT):
            if not connection.idle:
                break
            data = channel.hear(_READ_BYTES)
            if data is None:
                return False
            if not data or not answer(connection, data):
                connection.buffer, connection.readable = data, bool(data)
                connection.eof = not data
                connection.idle = False
                break
            if connection.idle:
                connection.deadline = idle_deadline
            else:
                connection.readable = True
                return False
    except BlockingIOError:
        return False
    except OSError:
        connection.server.drop(connection)
    return connection.fd >= 0
