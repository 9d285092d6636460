"""How fast a connection gets its bytes: a burst at full speed, then a pace that the kernel keeps.

The pace is the socket's (SO_MAX_PACING_RATE), so an answer costs no more when it is paced, and the
fast lane goes on once the burst is spent. Until then the full path answers, because it counts. A
pace belongs to a connection: what its last request on the full path asked for sets it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from config.pacing import Pacing
from edge.account import Told
from edge.cmcd import NOTHING, Cmcd, read_cmcd

if TYPE_CHECKING:
    from edge.connection import Connection
    from edge.exchange import Exchange

SO_MAX_PACING_RATE: Final = 47
"""Of Linux (asm-generic/socket.h); the module socket has no name for it."""
_UNPACED: Final = (1 << 64) - 1
_RATE: Final = struct.Struct("=Q")


@dataclass(frozen=True, slots=True)
class Pace:
    """So many bytes at full speed, then so many a second."""

    bytes_per_second: int
    burst_bytes: int


class Paced:
    """The pace of one connection, and what is left of its burst."""

    __slots__ = ("_is_kept", "burst_left", "pace")

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.burst_left = pace.burst_bytes
        self._is_kept = False

    def allow(self, connection: Connection, size: int) -> int:
        """How many of `size` bytes to hand to the socket now; more than none."""
        if self.burst_left > 0:
            size = min(size, self.burst_left)
            self.burst_left -= size
        elif not self._is_kept:
            self.keep(connection)
        return size

    def keep(self, connection: Connection) -> None:
        """The burst is spent: from now on the kernel keeps the pace."""
        self._is_kept = True
        set_rate(connection.sock, self.pace.bytes_per_second)

    def change(self, connection: Connection, pace: Pace) -> None:
        """Another bitrate: the burst was for the start and does not come again."""
        self.pace = pace
        if self._is_kept:
            set_rate(connection.sock, pace.bytes_per_second)


def pace_of(pacing: Pacing | None, limit: int, said: Cmcd) -> Pace | None:
    """The pace for a route, a token that allows `limit` bytes per second (0: any) and a player."""
    rate = burst = 0
    if pacing is not None:
        bitrate = said.bitrate or pacing.bitrate_bytes_per_second
        rate = int(bitrate * pacing.factor)
        if rate and pacing.bytes_per_second_max:
            rate = min(rate, pacing.bytes_per_second_max)
        burst = max(pacing.burst_bytes, int(pacing.burst_seconds * bitrate))
    if limit:
        rate = min(rate, limit) if rate else limit
    return Pace(rate, burst) if rate else None


class Pacer:
    """The paces of a worker's connections; `routes` in the order of their numbers."""

    def __init__(self, routes: Sequence[Pacing | None]) -> None:
        self._routes = routes

    def set(self, exchange: Exchange, told: Told, route: int) -> None:
        """Let a connection have the pace that this request is due."""
        connection, claims = exchange.connection, told.claims
        pacing = self._routes[route]
        limit = 0 if claims is None else claims.bytes_per_second
        paced = connection.paced
        if pacing is None and not limit:
            if paced is not None:
                connection.paced = None
                set_rate(connection.sock, _UNPACED)
            return
        pace = pace_of(pacing, limit, NOTHING if pacing is None else read_cmcd(exchange.request))
        if pace is None:
            return
        if paced is None:
            paced = connection.paced = Paced(pace)
        elif paced.pace != pace:
            paced.change(connection, pace)
        if paced.burst_left > 0:
            connection.forget_heads()


def set_rate(sock: socket.socket, bytes_per_second: int) -> None:
    """Have the kernel keep a pace; a socket that is gone needs none."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, _RATE.pack(bytes_per_second))
