"""Moves an upload from a request body into the store and the catalog, in constant memory.

Drives an `UploadSession`: reads, counts, hashes what was announced, commits, publishes. Whatever
goes wrong on the way, and whenever the client leaves, the writer is aborted and nothing
that was published before has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from aiohttp import ClientPayloadError, StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError

from cdnkit.digests import DigestCheck
from cdnkit.errors import BadRequestError, IncompleteBodyError, PreconditionFailedError
from origin.catalog.catalog import Catalog
from origin.catalog.records import ObjectRow
from origin.ingest.checks import (
    UploadHead,
    announced_digests,
    check_conditions,
    content_type_of,
)
from origin.ingest.inlet import open_inlet
from origin.ingest.session import UploadSession
from origin.store.base import ByteStore, StoredObject, Writer
from origin.store.crc32c import Piece
from origin.store.strand import Strand

SILENCE_SECONDS: Final = 60.0
"""Longest time in which an uploader sends not one byte."""


class Body(Protocol):
    """Where the bytes come from: pieces until an empty one."""

    def __call__(self) -> Awaitable[Piece]: ...


def body_of(content: StreamReader, silence_seconds: float = SILENCE_SECONDS) -> Body:
    """Read pieces of a request body, with the errors of our family."""

    async def read() -> bytes:
        async with asyncio.timeout(silence_seconds):
            return await content.readany()

    return _in_our_words(read, silence_seconds)


@contextmanager
def long_body_of(
    request: web.Request, silence_seconds: float = SILENCE_SECONDS, *, offset: int = 0
) -> Iterator[Body]:
    """As `body_of`, past aiohttp where that can be; `offset` is where it begins in the object."""
    inlet = open_inlet(request, offset)
    if inlet is None:
        yield body_of(request.content, silence_seconds)
        return
    try:
        yield _in_our_words(lambda: inlet.read(silence_seconds), silence_seconds)
    finally:
        inlet.close()


def _in_our_words(read: Body, silence_seconds: float) -> Body:
    async def translated() -> Piece:
        try:
            return await read()
        except TimeoutError:
            raise IncompleteBodyError(f"not one byte in {silence_seconds:g} seconds") from None
        except (ConnectionError, ClientPayloadError, web.RequestPayloadError) as error:
            raise IncompleteBodyError("the connection ended before the body") from error
        except HttpProcessingError as error:
            raise BadRequestError(f"the body is malformed: {error.message}") from error

    return translated


class Receiver:
    """Takes uploads into one store and one catalog."""

    def __init__(self, store: ByteStore, catalog: Catalog, extent_bytes: int) -> None:
        self._store = store
        self._catalog = catalog
        self._extent_bytes = extent_bytes
        self._finishing: set[asyncio.Task[tuple[ObjectRow, bool]]] = set()

    async def receive(self, key: str, head: UploadHead, read: Body) -> tuple[ObjectRow, bool]:
        """Take in one whole object; True beside its row when the key is new.

        Raises IncompleteBodyError, TooLargeError, DigestMismatchError, PreconditionFailedError,
        StorageFullError or UnavailableError, and then nothing has changed.
        """
        session = UploadSession(head.length_bytes, head.limit_bytes)
        digests = [DigestCheck(announced) for announced in announced_digests(head)]
        generation = await self._catalog.reserve(key)
        writer = await self._store.create(key, generation, head.length_bytes)
        try:
            await _fill(writer, session, digests, read)
        except BaseException:
            session.abandon()
            await asyncio.shield(writer.abort())
            raise
        stored = StoredObject(key, generation, session.received_bytes, self._extent_bytes)
        # Every byte is here: a client that leaves now must not stop us between store and catalog.
        task = asyncio.create_task(self._finish(session, writer, stored, head))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait until what was received completely is published or refused."""
        if self._finishing:
            await asyncio.wait(self._finishing)

    async def _finish(
        self, session: UploadSession, writer: Writer, stored: StoredObject, head: UploadHead
    ) -> tuple[ObjectRow, bool]:
        """Commit and publish; give up cleanly when either fails."""
        try:
            noting = asyncio.create_task(self._catalog.note_unpublished(stored))
            try:
                # Database and volumes sync at the same time; both before anything is readable.
                await writer.seal()
            finally:
                await noting
            receipt = await writer.commit()
        except BaseException:
            session.abandon()
            await writer.abort()
            raise
        try:
            # The row may have changed while the bytes came in: a lost update is refused here.
            result = await self._catalog.publish(
                receipt, content_type_of(head), lambda current: check_conditions(head, current)
            )
        except PreconditionFailedError:
            session.abandon()
            await self._store.delete(receipt.stored)
            await self._catalog.forget_garbage(receipt.stored)
            raise
        except BaseException:
            # Whether the commit went through may be unknown; the note of the catalog knows, and
            # the sweeper asks it.
            session.abandon()
            raise
        session.publish()
        return result


async def _fill(
    writer: Writer, session: UploadSession, digests: list[DigestCheck], read: Body
) -> None:
    """Write all of a body; what was announced is hashed in a thread, as what is kept is."""
    hashing = [Strand(None, digest.update) for digest in digests]
    try:
        while chunk := await read():
            session.take(len(chunk))
            for strand in hashing:
                await strand.give(chunk)
            await writer.write(chunk)
            chunk = b""  # its memory is not ours while the next one is waited for
        for strand in hashing:
            await strand.settle()
    finally:
        for strand in hashing:
            await strand.stop()
    session.end()
    for digest in digests:
        digest.finish()
