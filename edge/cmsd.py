"""What an edge tells players of the way to them (CMSD-Dynamic, CTA-5006), where they want to know.

One member for this hop, behind those of the hops before: `etp`, the throughput that the kernel has
measured on this connection (kilobits a second), `rtt` (milliseconds), `mb`, the pace it is kept to
where it has one (kilobits a second), and `du` while the edge has more to do than it can. Made once
a connection and renewed in turns, so that a hit costs no question to the kernel.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from edge.connection import CONTENT_LENGTH, CONTENT_RANGE, Connection
from edge.exchange import Exchange

RENEWED_MAX: Final = 1000
"""Connections a second: with more of them, what is told is as many seconds old as thousands."""
_INFO_BYTES: Final = 168
_RTT: Final = struct.Struct("=I")
_RTT_AT: Final = 68
_RATE: Final = struct.Struct("=Q")
_RATE_AT: Final = 160
"""Places in `struct tcp_info` of Linux (linux/tcp.h), which only grows at its end."""
_FULL: Final = 1.0


class Cmsd:
    """What one worker tells."""

    def __init__(self, node: str) -> None:
        self._member = f'"{node}"'.encode()
        self._is_full = False
        self._renewed = 0

    def line(self, exchange: Exchange) -> bytes:
        """The field line for an answer."""
        connection = exchange.connection
        if not connection.cmsd:
            self.tell(connection)
        return connection.cmsd

    def tell(self, connection: Connection) -> None:
        """Have what is true now told from the next answer on."""
        try:
            info = connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        except OSError:
            info = b""
        paced = connection.paced
        pace = 0 if paced is None else paced.pace.bytes_per_second
        told = self._member + parameters_of(info, pace, is_full=self._is_full)
        connection.cmsd = b"CMSD-Dynamic: %b\r\n" % told
        connection.part = b"\r\nCMSD-Dynamic: %b%b" % (told, CONTENT_RANGE)
        connection.whole = b"\r\nCMSD-Dynamic: %b%b" % (told, CONTENT_LENGTH)

    def tick(self, connections: Mapping[int, Connection], report: Mapping[str, Any]) -> None:
        """Once a second: renew what is told on some connections, the next ones each time.

        `report` is that of the worker's `edge.load.LoadMeter`.
        """
        self._is_full = report.get("load", 0.0) >= _FULL
        if self._renewed >= len(connections):
            self._renewed = 0
        start, self._renewed = self._renewed, self._renewed + RENEWED_MAX
        for connection in islice(connections.values(), start, self._renewed):
            if connection.cmsd:
                self.tell(connection)


def parameters_of(info: bytes, pace_bytes_per_second: int, *, is_full: bool) -> bytes:
    """The parameters of the member, from what the kernel says of a connection (`struct tcp_info`).

    What is not known, or nothing yet, is left out.
    """
    told = b""
    if len(info) >= _INFO_BYTES:
        rate_kbps = _RATE.unpack_from(info, _RATE_AT)[0] * 8 // 1000
        told += b";etp=%d" % rate_kbps if rate_kbps else b""
        told += b";rtt=%d" % round(_RTT.unpack_from(info, _RTT_AT)[0] / 1000)
    if pace_bytes_per_second:
        told += b";mb=%d" % (pace_bytes_per_second * 8 // 1000)
    return told + (b";du" if is_full else b"")
