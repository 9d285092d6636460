"""One client connection as the server's loop sees it: buffers, what is being sent, and memory.

The fields are public on purpose: the loop, the fast lane and the bodies touch them on every
request, and a method call there costs as much as the work (docs/benchmarks.md).
"""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.blockfile import BlockFile
    from edge.body import Body
    from edge.exchange import Exchange
    from edge.fastlane import Owed
    from edge.pacing import Paced
    from edge.reader import Reader
    from edge.server import Server
    from edge.tls import Channel

CONTENT_RANGE = b"\r\nContent-Range: bytes "
CONTENT_LENGTH = b"\r\nContent-Length: "
MATCHES_NOTHING = b"\0\0"
"""No head has it where its target ends, not even one without a space, sought at its last byte."""


class Connection:
    """State of a client socket.

    Sending: `head` goes out before `left` bytes of `file` from `offset`, then `body` is asked.
    `idle` is true while no request is going on and no byte of one is buffered.
    `neighbour` marks connections of other workers of this box, `inner` those of other edges.
    `hint` fetches what the client said it will ask for next; it ends with the connection.
    `lingering` connections were answered for the last time and wait for the client to close.
    `part` and `whole` follow the request id in heads of the fast lane; with `cmsd`, what players
    are told of this connection, before the range or the length (`edge.cmsd`).
    `recv`, `send` and `send_file` are the socket's own, or those of its TLS `channel`.
    Receiving: `buffer` holds bytes not parsed yet; `readable` says the socket may hold more.
    Remembered header block: `before` runs from the target's end to the Range value, `after` from
    there to the end of the head, `plain` is all behind the target; see `edge.headblocks`.
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
        "cmsd",
        "corked",
        "deadline",
        "ended",
        "eof",
        "exchange",
        "fd",
        "file",
        "head",
        "hint",
        "idle",
        "inner",
        "left",
        "lingering",
        "neighbour",
        "offset",
        "owed",
        "paced",
        "part",
        "peer",
        "plain",
        "plain_size",
        "readable",
        "reader",
        "recv",
        "send",
        "send_file",
        "sends_cmcd",
        "sent_bytes",
        "server",
        "sock",
        "whole",
    )

    def __init__(
        self,
        server: Server,
        sock: socket.socket,
        fd: int,
        peer: str,
        channel: Channel | None = None,
        neighbour: bool = False,
    ) -> None:
        self.server = server
        self.neighbour = neighbour
        self.inner = False
        self.sock = sock
        self.channel = channel
        self.recv = sock.recv if channel is None else channel.recv
        self.send = sock.send if channel is None else channel.send
        self.send_file = partial(os.sendfile, fd) if channel is None else channel.send_file
        self.fd = fd
        self.peer = peer
        self.client = b""
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
        self.cmsd = b""
        self.part = CONTENT_RANGE
        self.whole = CONTENT_LENGTH
        self.corked = False
        self.lingering = False
        self.ended = False
        self.idle = True
        self.owed: Owed | None = None
        self.exchange: Exchange | None = None
        self.hint: asyncio.Task[None] | None = None
        self.reader: Reader | None = None
        self.deadline = 0
        self.before = MATCHES_NOTHING
        self.before_size = 1
        self.after = MATCHES_NOTHING
        self.after_size = 1
        self.plain = MATCHES_NOTHING
        self.plain_size = -1
        self.sends_cmcd = False
        self.paced: Paced | None = None

    def forget_heads(self) -> None:
        """Let the next request take the full path, whatever it repeats."""
        self.before = self.after = self.plain = MATCHES_NOTHING
        self.before_size = self.after_size = 1
        self.plain_size = -1

    def cork(self, on: bool) -> None:
        """Hold unfilled segments back, or no longer: between two files they would leave as such."""
        if self.channel is None and self.corked != on:
            self.corked = on
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)

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
