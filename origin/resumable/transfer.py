"""The bytes of one request on their way into one upload: written, hashed, made durable, counted.

Decides how much is in memory (a piece being gathered, a piece being written), when the row is told
(as often as the store asks for, and at the end however it comes), and that a chunk with a checksum
counts whole or not at all. Whoever takes over, `settle` leaves in the row exactly what is durable.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cdnkit.errors import CinedgeError, TooLargeError
from origin.catalog.uploads import UploadRow, UploadRows
from origin.ingest.session import UploadEvent, step
from origin.resumable.errors import ChecksumError, SupersededError
from origin.resumable.fingerprint import Fingerprint
from origin.resumable.tus import RunningHash
from origin.store.crc32c import Piece
from origin.store.gatherer import Gatherer
from origin.store.resumable import ANY_EXTENT_BYTES, PartState, PartStore, PartWriter


@dataclass(frozen=True, slots=True)
class ChunkCheck:
    """A digest announced of the bytes of one request."""

    running: RunningHash
    expected: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one request brings. `ends_upload`: nothing follows when it arrives whole.

    `stop` is the offset in the object that its bytes may not pass; `on_progress` is told the
    upload's durable offset.
    """

    read: Callable[[], Awaitable[Piece]]
    interrupt: Callable[[CinedgeError], object]
    stop: int
    ends_upload: Callable[[UploadRow], bool]
    checks: Sequence[ChunkCheck] = ()
    on_progress: Callable[[int], Awaitable[None]] | None = None


class Transfer:
    """One request at work on one upload. `run` once; `settle` is part of it."""

    def __init__(
        self,
        rows: UploadRows,
        parts: PartStore,
        row: UploadRow,
        fingerprint: Fingerprint | None,
        *,
        lifetime: Callable[[], float],
        sync_bytes: int | None = None,
    ) -> None:
        self.row = row
        self.fingerprint = fingerprint
        self._rows = rows
        self._parts = parts
        self._lifetime = lifetime
        self._sync_bytes = sync_bytes or parts.sync_bytes
        self._gatherer = Gatherer(row.offset_bytes, ANY_EXTENT_BYTES)
        self._next: Piece = b""
        self._offset = row.offset_bytes
        self._working: list[asyncio.Future[None]] = []
        self._checkpoint: asyncio.Future[None] | None = None
        self._synced_at = row.offset_bytes
        self._chunk: Chunk | None = None
        self._interrupted: CinedgeError | None = None
        self._opening: asyncio.Future[PartWriter] | None = None
        self._writer: PartWriter | None = None

    def interrupt(self, error: CinedgeError) -> None:
        """A newer request goes on; this one ends as soon as its last bytes are durable."""
        self._interrupted = error
        if self._chunk is not None:
            self._chunk.interrupt(error)

    async def run(self, chunk: Chunk) -> UploadRow:
        """Take in a request body; the row as it stands then.

        Raises what `chunk.read` raises, TooLargeError, ChecksumError, SupersededError,
        StorageFullError and UnavailableError; the row tells how far the upload is.
        """
        self._chunk = chunk
        before = None if self.fingerprint is None else self.fingerprint.copy()
        ended = False
        try:
            self._opening = asyncio.ensure_future(
                self._parts.open_part(self.row.identity, self.row.part)
            )
            self._writer = await asyncio.shield(self._opening)
            await self._receive(chunk)
            ended = True
        finally:
            settling = asyncio.ensure_future(self._settle(chunk, ended, before))
            await _outlast(settling)
        if self._interrupted is not None:
            raise self._interrupted
        return self.row

    async def _receive(self, chunk: Chunk) -> None:
        arrived = self._offset
        while data := await chunk.read():
            arrived += len(data)
            if arrived > chunk.stop:
                raise TooLargeError(f"the upload ends at {chunk.stop - self.row.start_bytes}")
            for piece in self._gatherer.add(data):
                self._next = piece
                await self._hand_over(chunk)
            if self._interrupted is not None:
                raise self._interrupted

    async def _hand_over(self, chunk: Chunk) -> None:
        """Wait for the piece before, then let threads write and hash the next one."""
        await self._wait_for_work()
        if not chunk.checks and self._offset - self._synced_at >= self._sync_bytes:
            self._begin_checkpoint()
        if not self._next:
            return
        assert self._writer is not None
        piece, self._next = self._next, b""
        self._working = [asyncio.ensure_future(self._writer.put(piece))]
        if self.fingerprint is not None:
            self._working.append(_in_thread(self.fingerprint.update, self._offset, piece))
        self._working += [_in_thread(check.running.update, piece) for check in chunk.checks]
        self._offset += len(piece)

    async def _wait_for_work(self) -> None:
        for work in self._working:
            await asyncio.shield(work)
        self._working = []

    def _begin_checkpoint(self) -> None:
        """Sync and save beside what follows, one at a time."""
        if self._checkpoint is not None:
            if not self._checkpoint.done():
                return
            self._checkpoint.result()
        assert self._writer is not None
        self._synced_at = self._offset
        # Now, while no piece is under way: what is synced is what the state says.
        syncing = self._writer.sync()
        self._checkpoint = asyncio.ensure_future(self._save_when_synced(syncing))

    async def _save_when_synced(self, syncing: Awaitable[PartState]) -> None:
        await self._save(await syncing, is_received=False)
        if self._chunk is not None and self._chunk.on_progress is not None:
            with suppress(ConnectionError):
                await self._chunk.on_progress(self.row.received_bytes)

    async def _settle(self, chunk: Chunk, ended: bool, before: Fingerprint | None) -> None:
        """Whatever happened: write what was gathered, make it durable, say so in the row."""
        failure: Exception | None = None
        try:
            if self._opening is not None:
                self._writer = await self._opening
                await self._settle_bytes(self._writer, chunk, ended)
        except Exception as error:
            failure = error
        finally:
            if self._writer is not None:
                await self._writer.close()
        if self.fingerprint is not None and self.fingerprint.position > self.row.offset_bytes:
            self.fingerprint = before
        if failure is not None and (self._interrupted is None or ended):
            raise failure

    async def _settle_bytes(self, writer: PartWriter, chunk: Chunk, ended: bool) -> None:
        results = await asyncio.gather(*self._working, return_exceptions=True)
        failure = next((each for each in results if isinstance(each, Exception)), None)
        self._working = []
        if chunk.checks and not (ended and failure is None):
            return  # nobody can tell whether the bytes of half a chunk are right
        if failure is None:
            await self._hand_over(chunk)
            self._next = self._gatherer.rest()
            await self._hand_over(chunk)
            await self._wait_for_work()
        for check in chunk.checks:
            if not hmac.compare_digest(check.running.digest(), check.expected):
                raise ChecksumError("the bytes are not those announced and were dropped")
        row = dataclasses.replace(self.row, offset_bytes=self._offset)
        # Whoever took over when the last byte was here finds the upload complete, not just full:
        # nobody would send anything more for it.
        is_whole = ended or row.received_bytes == row.length_bytes
        is_received = is_whole and failure is None and chunk.ends_upload(row)
        state = await self._make_durable(writer.finish() if is_received else writer.sync())
        await self._save(state, is_received=is_received)
        if failure is not None:
            raise failure

    async def _make_durable(self, work: Awaitable[PartState]) -> PartState:
        """Beside a checkpoint under way, which is over before the row is told again."""
        syncing = asyncio.ensure_future(work)
        waiting: list[asyncio.Future[Any]] = [syncing]
        if self._checkpoint is not None:
            waiting.append(self._checkpoint)
        await asyncio.wait(waiting)
        for each in reversed(waiting):
            each.result()
        return syncing.result()

    async def _save(self, state: PartState, *, is_received: bool) -> None:
        """Tell the row. Raises SupersededError when another writer has taken it."""
        event = UploadEvent.END if is_received else UploadEvent.BYTES
        row = dataclasses.replace(
            self.row,
            state=step(self.row.upload_state, event).value,
            offset_bytes=state.offset,
            crc32c=state.crc32c,
            length_bytes=state.offset - state.start if is_received else self.row.length_bytes,
            expires_at=self._lifetime(),
        )
        if not await self._rows.save(row):
            error = SupersededError("another process goes on with this upload")
            self.interrupt(error)
            raise error
        self.row = row


def _in_thread(work: Callable[..., None], *args: object) -> asyncio.Future[None]:
    return asyncio.get_running_loop().run_in_executor(None, work, *args)


async def _outlast(settling: asyncio.Future[None]) -> None:
    """Wait for the end of it, also when the request is cancelled meanwhile."""
    cancelled = False
    while not settling.done():
        try:
            await asyncio.wait({settling})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        settling.exception()
        raise asyncio.CancelledError
    settling.result()
