"""An edge that answers /readyz as the test says, on a real port, and can die for real."""

from __future__ import annotations

import asyncio
from typing import Self

READY = b'{"status": "ready", "checks": {}}'
DRAINING = b'{"status": "draining", "checks": {}}'


class ScriptedEdge:
    """Set `status` and `body`; `hang` takes connections and says nothing; `die` closes the port."""

    def __init__(self) -> None:
        self.status = 200
        self.body = READY
        self.hang = False
        self.port = 0
        self.probes = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.live()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.die()

    async def live(self) -> None:
        """Take the port (the same one after dying)."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Refuse connections from now on, and cut those that are open."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for writer in tuple(self._open):
                writer.transport.abort()
            await server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.probes += 1
            if self.hang:
                await reader.read()
                return
            head = f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(self.body)}\r\n\r\n"
            writer.write(head.encode() + self.body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
