"""One client connection as the server's loop sees it: buffers, what is being sent, and memory.

The fields are public on purpose: the loop, the fast lane and the bodies touch them on every
request, and a method call there costs as much as the work (docs/benchmarks.md).
"""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.blockfile import BlockFile
    from edge.body import Body
    from edge.exchange import Exchange
    from edge.fastlane import LaneRecord
    from edge.reader import Reader
    from edge.server import Server
    from edge.tls import Channel

MATCHES_NOTHING = b"\0\0"
"""No head has it where its target ends, not even one without a space, sought at its last byte."""


class Connection:
    """State of a client socket.

    Sending: `head` goes out before `left` bytes of `file` from `offset`, then `body` is asked.
    `idle` is true while no request is going on and no byte of one is buffered.
    `lingering` connections were answered for the last time and wait for the client to close.
    `recv`, `send` and `send_file` are the socket's own, or those of its TLS `channel`.
    Receiving: `buffer` holds bytes not parsed yet; `readable` says the socket may hold more.
    Remembered header block: `before` runs from the target's end to the Range value, `after` from
    there to the end of the head; see `edge.fastlane`.
    """

    __slots__ = (
        "after",
        "after_size",
        "before",
        "before_size",
        "body",
        "buffer",
        "channel",
        "client",
        "closing",
        "deadline",
        "ended",
        "eof",
        "exchange",
        "fd",
        "file",
        "head",
        "idle",
        "left",
        "lingering",
        "offset",
        "owed",
        "peer",
        "plain",
        "readable",
        "reader",
        "recv",
        "send",
        "send_file",
        "sent_bytes",
        "server",
        "sock",
    )

    def __init__(
        self,
        server: Server,
        sock: socket.socket,
        fd: int,
        peer: str,
        channel: Channel | None = None,
    ) -> None:
        self.server = server
        self.sock = sock
        self.channel = channel
        self.recv = sock.recv if channel is None else channel.recv
        self.send = sock.send if channel is None else channel.send
        self.send_file = partial(os.sendfile, fd) if channel is None else channel.send_file
        self.fd = fd
        self.peer = peer
        self.client = peer.encode()
        self.buffer = b""
        self.readable = False
        self.eof = False
        self.head: bytes | memoryview = b""
        self.file: BlockFile | None = None
        self.offset = 0
        self.left = 0
        self.sent_bytes = 0
        self.body: Body | None = None
        self.closing = False
        self.lingering = False
        self.ended = False
        self.idle = True
        self.owed: LaneRecord | None = None
        self.exchange: Exchange | None = None
        self.reader: Reader | None = None
        self.deadline = 0
        self.before = MATCHES_NOTHING
        self.before_size = 1
        self.after = MATCHES_NOTHING
        self.after_size = 1
        self.plain = MATCHES_NOTHING

    def end(self) -> None:
        """Say that nothing more comes; raises BlockingIOError while TLS owes bytes before that."""
        if self.channel is None:
            self.sock.shutdown(socket.SHUT_WR)
        else:
            self.channel.end()
        self.ended = True

    @property
    def alive(self) -> bool:
        """Whether the socket is still ours."""
        return self.fd >= 0
