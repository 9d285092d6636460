"""Edges that answer probes and hold nothing: each says what a busy edge would say of itself.

Loads follow a slow wave with noise, bytes are counted by outcome as an edge counts them, and an
edge may be killed (its port closes), drained or overloaded, as real ones are.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from scripts.simulated_fleet.world import HOST

CAPACITY_BITS_PER_SECOND: Final = 20e9
_SHARES: Final = (
    ("hit", 0.94),
    ("miss:cold", 0.025),
    ("miss:evicted", 0.02),
    ("partial:readahead-late", 0.008),
    ("miss:expired", 0.004),
    ("miss:admission", 0.002),
    ("pass", 0.001),
)
_STREAM_BITS_PER_SECOND: Final = 8e6


@dataclass(slots=True)
class SimulatedEdge:
    """One edge: what it says, and whether it is there."""

    name: str
    chance: Random
    now: Callable[[], float]
    mood: str = "well"
    """`well`, `draining` or `overloaded`; a dead one does not listen."""
    started_at: float = 0.0
    _at: float = 0.0
    _sent: dict[str, float] = field(default_factory=dict)
    _phase: float = 0.0
    _level: float = 0.0

    def __post_init__(self) -> None:
        self.started_at = self._at = self.now()
        self._phase = self.chance.uniform(0, 2 * math.pi)
        self._level = self.chance.uniform(0.25, 0.6)

    def answer(self) -> bytes:
        """What it answers to a probe now."""
        facts = self.facts()
        status = "503 Service Unavailable" if self.mood == "draining" else "200 OK"
        body = json.dumps(facts).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    def facts(self) -> dict[str, Any]:
        """The body of /readyz."""
        now = self.now()
        seconds, self._at = max(now - self._at, 0.0), now
        wave = 0.15 * math.sin(self._phase + now / 90) + self.chance.gauss(0, 0.02)
        load = 1.2 if self.mood == "overloaded" else min(max(self._level + wave, 0.02), 0.97)
        bits = load * CAPACITY_BITS_PER_SECOND
        for label, share in _SHARES:
            noise = self.chance.uniform(0.7, 1.3) if label != "hit" else 1
            sent = bits / 8 * seconds * share * noise
            self._sent[label] = self._sent.get(label, 0) + sent
        missed = sum(count for label, count in self._sent.items() if label != "hit")
        streams = round(bits / _STREAM_BITS_PER_SECOND)
        return {
            "status": "draining" if self.mood == "draining" else "ready",
            "load": round(load, 3),
            "egress_bits_per_second": round(bits),
            "capacity_bits_per_second": round(CAPACITY_BITS_PER_SECOND),
            "open_connections": round(streams * 1.1),
            "streams": streams,
            "in_flight_bytes": streams << 20,
            "failing": 0.0,
            "hits": 0.94,
            "sent_bytes": {label: round(count) for label, count in self._sent.items()},
            "fill_bytes": round(missed * 1.1),
            "origin_bytes": round(missed * 0.6),
        }


class SimulatedFleet:
    """Edges with a port each, in one loop."""

    def __init__(self, names: list[str], chance: Random, now: Callable[[], float]) -> None:
        self.edges = {name: SimulatedEdge(name, chance, now) for name in names}
        self.ports: dict[str, int] = {}
        self._servers: dict[str, asyncio.Server] = {}

    async def start(self) -> None:
        """Listen for all of them."""
        for name in self.edges:
            await self.revive(name)

    async def revive(self, name: str) -> None:
        """Bring an edge (back) to its port."""
        edge = self.edges[name]
        edge.mood = "well"
        if name not in self._servers:
            self._servers[name] = await asyncio.get_running_loop().create_server(
                lambda: _Answering(edge), HOST, self.ports.get(name, 0), backlog=64
            )
            self.ports[name] = self._servers[name].sockets[0].getsockname()[1]

    def kill(self, name: str) -> None:
        """Refuse connections from now on."""
        server = self._servers.pop(name, None)
        if server is not None:
            server.close()

    def is_alive(self, name: str) -> bool:
        """Whether it listens."""
        return name in self._servers

    async def close(self) -> None:
        """End all."""
        for name in tuple(self._servers):
            self.kill(name)

    async def trouble(self, chance: Random, per_minute: float) -> None:
        """Let things happen to edges, and pass, for ever."""
        async with asyncio.TaskGroup() as recoveries:
            while True:
                await asyncio.sleep(chance.expovariate(per_minute / 60))
                name = chance.choice(list(self.edges))
                happening = chance.choice(("kill", "draining", "overloaded"))
                if happening == "kill":
                    self.kill(name)
                else:
                    self.edges[name].mood = happening
                recoveries.create_task(self._recover(name, chance.uniform(10, 60)))

    async def _recover(self, name: str, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        await self.revive(name)


class _Answering(asyncio.Protocol):
    """One connection: one answer, whatever was asked."""

    def __init__(self, edge: SimulatedEdge) -> None:
        self._edge = edge
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(self._edge.answer())
            self._transport.close()
