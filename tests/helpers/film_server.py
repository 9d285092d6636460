"""A `FilmOrigin` served from a thread, for edges that are processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from tests.helpers.film_origin import FilmOrigin

NOTHING = "/nothing"
"""Answered without the film, so that an edge can be seen to be there."""


@dataclass(slots=True)
class _Asked:
    method: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """Where the film is, and the loop in which its events are."""

    port: int
    loop: asyncio.AbstractEventLoop

    def release(self, event: asyncio.Event) -> None:
        """Set an event of the film's `holds`, from any thread."""
        self.loop.call_soon_threadsafe(event.set)


@contextlib.contextmanager
def served(film: FilmOrigin) -> Iterator[Served]:
    """GET of any other path gives the film, inside the block."""
    loop = asyncio.new_event_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, *lines = text.rstrip().split("\r\n")
                pairs = (line.partition(":") for line in lines)
                fields = {name.lower(): value.strip() for name, _, value in pairs}
                if f" {NOTHING} " in method:
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                    continue
                await film.serve(_Asked(method.partition(" ")[0], fields), reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()
        finally:
            tasks.discard(task)

    async def close() -> None:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, name="film-origin", daemon=True)
    thread.start()
    try:
        yield Served(server.sockets[0].getsockname()[1], loop)
    finally:
        asyncio.run_coroutine_threadsafe(close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
