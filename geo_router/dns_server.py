"""The sockets of the DNS answerer: UDP in a tight loop, TCP with limits (RFC 7766).

What is answered is `dns_answer`'s part. A packet that breaks something costs itself, never the
server.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from config.topology import Address
from geo_router.dns_answer import HEADER_BYTES, Answerer, truncated
from geo_router.dns_limit import RateLimit, Verdict

PACKETS_PER_TURN: Final = 64
"""UDP packets answered before other work of the loop has its turn."""

TCP_IDLE_SECONDS: Final = 10.0
TCP_CONNECTIONS_MAX: Final = 512
_PACKET_BYTES_MAX: Final = 65_535
_BUFFER_BYTES: Final = 4 * 1024 * 1024

_log = structlog.get_logger("geo_router.dns")


@dataclass(slots=True)
class Counts:
    """What passed through the sockets."""

    udp: int = 0
    tcp: int = 0
    limited: int = 0
    failed: int = 0


class DnsServer:
    """Answers on one address; use `serving`."""

    def __init__(self, answerer: Answerer, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._answerer = answerer
        self._limit = limit
        self._clock = clock
        self._tcp_open = 0
        self._udp: socket.socket | None = None
        self.counts = Counts()

    def adopt(self, answerer: Answerer, limit: RateLimit) -> None:
        """Answer from another zone from now on."""
        self._answerer, self._limit = answerer, limit

    @asynccontextmanager
    async def serving(self, address: Address) -> AsyncIterator[Address]:
        """Answer inside the block; the address with the real port. Raises OSError."""
        loop = asyncio.get_running_loop()
        udp, tcp = _bind(address)
        self._udp = udp
        server = await asyncio.start_server(self._talk, sock=tcp, limit=_PACKET_BYTES_MAX)
        loop.add_reader(udp, self._drain)
        port = udp.getsockname()[1]
        _log.info("listening", host=address.host, port=port)
        try:
            yield Address(address.host, port)
        finally:
            loop.remove_reader(udp)
            udp.close()
            server.close()
            await server.wait_closed()

    def _drain(self) -> None:
        udp, counts = self._udp, self.counts
        assert udp is not None
        receive, send, answer = udp.recvfrom, udp.sendto, self._answerer.answer
        now = self._clock()
        for _ in range(PACKETS_PER_TURN):
            try:
                packet, peer = receive(_PACKET_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error of an earlier answer
            counts.udp += 1
            try:
                verdict = self._limit.judge(peer[0], now)
                if verdict is Verdict.ANSWER:
                    wire = answer(packet, peer[0])
                else:
                    counts.limited += 1
                    wire = self._limited(packet, verdict)
                if wire is not None:
                    send(wire, peer)
            except (BlockingIOError, OSError):
                counts.failed += 1
            except Exception:  # one packet must not end the server
                counts.failed += 1
                _log.exception("a question could not be answered", size_bytes=len(packet))

    def _limited(self, packet: bytes, verdict: Verdict) -> bytes | None:
        is_question = len(packet) >= HEADER_BYTES and not packet[2] & 0x80
        return truncated(packet) if verdict is Verdict.TRUNCATE and is_question else None

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        self._tcp_open += 1
        try:
            if self._tcp_open <= TCP_CONNECTIONS_MAX:
                await self._answer_stream(reader, writer, peer[0])
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        except Exception:
            self.counts.failed += 1
            _log.exception("a question over TCP could not be answered")
        finally:
            self._tcp_open -= 1
            writer.close()

    async def _answer_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str
    ) -> None:
        while True:
            async with asyncio.timeout(TCP_IDLE_SECONDS):
                size_bytes = int.from_bytes(await reader.readexactly(2))
                packet = await reader.readexactly(size_bytes)
            self.counts.tcp += 1
            wire = self._answerer.answer(packet, client, udp=False)
            if wire is None:
                return
            writer.write(len(wire).to_bytes(2) + wire)
            async with asyncio.timeout(TCP_IDLE_SECONDS):
                await writer.drain()


def _bind(address: Address) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same port; several workers may share it."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    tcp = socket.socket(family, socket.SOCK_STREAM)
    udp = socket.socket(family, socket.SOCK_DGRAM)
    try:
        for each in (tcp, udp):
            each.setblocking(False)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            udp.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        tcp.bind((address.host, address.port))
        udp.bind((address.host, tcp.getsockname()[1]))
    except OSError:
        tcp.close()
        udp.close()
        raise
    return udp, tcp
