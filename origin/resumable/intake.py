"""The life of every upload over many requests: created, taken over, appended to, finished, ended.

Decides whose turn it is: the newest request on an upload always, and the one before it ends at
once, leaving in its row exactly what is durable. What is held in memory (running digests, the
request at work, a finish under way) may be lost at any time; the rows and the store are enough.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from cdnkit.errors import CinedgeError, ConflictError, ForbiddenError, NotFoundError
from origin.catalog.uploads import UploadRow, UploadRows
from origin.ingest.session import TRANSITIONS, UploadEvent, UploadState, step
from origin.resumable.errors import GoneError, MismatchingOffsetError, SupersededError
from origin.resumable.fingerprint import Fingerprint
from origin.resumable.finish import Finisher
from origin.resumable.outcome import announced_algorithms
from origin.resumable.rules import (
    FINAL,
    PARTIAL,
    Rules,
    Wish,
    plan,
    plan_final,
    require_quota,
    require_size,
    settle_length,
)
from origin.resumable.transfer import Chunk, Transfer
from origin.store.resumable import PartStore

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Live:
    """What this process knows of an upload besides its row."""

    turn: int = 0
    transfer: Transfer | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    fingerprint: Fingerprint | None = None
    is_growing: bool = False
    finishing: asyncio.Task[UploadRow] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to go on with an upload, until a newer request takes it."""

    row: UploadRow
    number: int


class Intake:
    """All uploads over many requests of one origin."""

    def __init__(
        self,
        rows: UploadRows,
        parts: PartStore,
        finisher: Finisher,
        rules: Rules,
        *,
        now: Callable[[], float],
        make_id: Callable[[], str],
    ) -> None:
        self.rules = rules
        self._rows = rows
        self._parts = parts
        self._finisher = finisher
        self.now = now
        self._make_id = make_id
        self._lives: dict[str, _Live] = {}

    async def start(self) -> None:
        """Take up what an earlier process left: bytes nobody knows go, received uploads finish."""
        held = await self._rows.holding_bytes()
        dropped = await self._parts.keep_only({row.identity for row in held})
        if dropped:
            _log.info("bytes of unknown uploads removed", extents=dropped)
        for row in held:
            self.finish_later(row)

    async def close(self) -> None:
        """End every request at work and wait for what is being finished."""
        for live in self._lives.values():
            if live.transfer is not None:
                live.transfer.interrupt(SupersededError("the origin is stopping"))
        for live in list(self._lives.values()):
            if live.transfer is not None:
                await live.settled.wait()
        tasks = [live.finishing for live in self._lives.values() if live.finishing is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def create(self, wish: Wish) -> UploadRow:
        """A new upload without bytes. Raises BadRequestError, TooLargeError, QuotaError."""
        usage = await self._rows.usage(wish.owner)
        row = plan(wish, self.rules, usage, self._make_id(), self.now())
        return await self._rows.add(row)

    async def join(self, wish: Wish, ids: tuple[str, ...]) -> UploadRow:
        """Join complete parts and publish the whole; again gives the same upload.

        Raises NotFoundError, ConflictError, what `published_object` tells, UnavailableError.
        """
        parts = [row for row in await self._rows.find_all(ids) if row.owner == wish.owner]
        if len(parts) != len(ids):
            raise NotFoundError("one of the parts is no upload")
        final = await self._joined_before(parts, ids)
        if final is None:
            planned = plan_final(wish, parts, self.rules, self._make_id(), self.now())
            final = await self._rows.join(planned)
        if final is None:
            final = await self._joined_before(await self._rows.find_all(ids), ids)
        if final is None:
            raise ConflictError("one of the parts has just been taken by another upload")
        return await self.finished(final)

    async def of_owner(self, owner: str, after: str, limit: int) -> list[UploadRow]:
        """Up to `limit` uploads of an owner after one, in the order of their ids."""
        return await self._rows.of_owner(owner, after, limit)

    async def look(self, upload_id: str, owner: str) -> UploadRow:
        """An upload as its row says, disturbing nobody. Raises NotFoundError, GoneError."""
        return _require(await self._rows.find(upload_id), owner)

    async def take_over(self, upload_id: str, owner: str) -> Turn:
        """End the request at work on an upload; what is durable then, and the right to go on.

        Raises NotFoundError, GoneError, SupersededError when a still newer request came.
        """
        live = self._lives.setdefault(upload_id, _Live())
        # Before anything is waited for: requests are newer or older by when they came.
        live.turn += 1
        number = live.turn
        try:
            row = _require(await self._rows.find(upload_id), owner)
            if row.upload_state in (UploadState.OPENED, UploadState.RECEIVING):
                row = _require(await self._take(upload_id, live, number), owner)
            return Turn(row, number)
        finally:
            self._forget_idle(upload_id, live, number)

    async def prepare(
        self, turn: Turn, offset: int, length_bytes: int | None, fields: Mapping[str, str]
    ) -> UploadRow:
        """The upload as a request at `offset` goes on with it, before its bytes are read.

        `fields` that count at the end may come with any request. Raises MismatchingOffsetError,
        InconsistentLengthError, TooLargeError, QuotaError, ForbiddenError.
        """
        row = turn.row
        if row.kind == FINAL:
            raise ForbiddenError("a final upload takes no bytes of its own")
        if offset != row.received_bytes:
            raise MismatchingOffsetError(row.received_bytes, offset)
        length = settle_length(row.length_bytes, length_bytes, offset)
        if row.is_complete:
            return row
        if length != row.length_bytes:
            require_size(length, self.rules)
            usage = await self._rows.usage(row.owner)
            more_bytes = (length or 0) - offset
            require_quota(dataclasses.replace(usage, uploads=0), more_bytes, self.rules)
        return dataclasses.replace(row, length_bytes=length, fields={**row.fields, **fields})

    async def append(self, turn: Turn, row: UploadRow, chunk: Chunk) -> UploadRow:
        """Take in the bytes of one request that was prepared; the upload as it stands then.

        Raises TooLargeError, ChecksumError, SupersededError, GoneError, StorageFullError,
        UnavailableError and what the body raises.
        """
        if row.is_complete:
            return row
        live = self._lives[row.id]
        self._require_turn(live, turn.number)
        return await self._transfer(live, row, chunk)

    async def finished(self, row: UploadRow) -> UploadRow:
        """The upload published or refused, when every byte is here; parts just wait to be joined.

        Raises SupersededError, StorageFullError, UnavailableError.
        """
        if row.upload_state is not UploadState.RECEIVED or row.kind == PARTIAL:
            return row
        return await asyncio.shield(self._begin_finish(row))

    def finish_later(self, row: UploadRow) -> None:
        """See that a received upload is published, waiting for nothing."""
        if row.upload_state is UploadState.RECEIVED and row.kind != PARTIAL:
            self._begin_finish(row)

    async def cancel(self, upload_id: str, owner: str) -> None:
        """Forget an upload and its bytes; an object that came of it stays."""
        await self.end(await self.take_over(upload_id, owner), UploadEvent.CANCEL)

    async def end(self, turn: Turn, event: UploadEvent) -> None:
        """Cancel or expire an upload; one that has ended is forgotten."""
        row = turn.row
        live = self._lives.get(row.id)
        if live is not None and live.finishing is not None:
            raise ConflictError("the upload is being published")
        if event not in TRANSITIONS[row.upload_state]:
            await self._rows.drop(row)
        else:
            state = step(row.upload_state, event).value
            ended = dataclasses.replace(row, state=state, expires_at=self.lifetime())
            if not await self._rows.save(ended):
                raise SupersededError("a newer request goes on with this upload")
            if row.upload_state is not UploadState.JOINED:
                await self._discard(row)
        self._lives.pop(row.id, None)

    async def expire(self, limit: int = 100) -> int:
        """End uploads whose time has come, forget those that ended long ago; how many."""
        now = self.now()
        count = 0
        for row in await self._rows.due(now, limit):
            live = self._lives.get(row.id)
            if live is not None and (live.transfer is not None or live.finishing is not None):
                continue
            taken = await self._rows.take(row.id)
            if taken is None or taken.expires_at > now:
                continue
            await self.end(Turn(taken, 0), UploadEvent.EXPIRE)
            count += 1
        return count

    def lifetime(self) -> float:
        """Until when an upload that was touched now is kept."""
        return self.now() + self.rules.lifetime_seconds

    async def _take(self, upload_id: str, live: _Live, number: int) -> UploadRow | None:
        """End the request at work; the row once its last bytes are in it."""
        self._require_turn(live, number)
        error = SupersededError("a newer request goes on with this upload")
        while live.transfer is not None:
            live.transfer.interrupt(error)
            await live.settled.wait()
            self._require_turn(live, number)
        row = await self._rows.take(upload_id)
        self._require_turn(live, number)
        live.is_growing = True
        return row

    def _forget_idle(self, upload_id: str, live: _Live, number: int) -> None:
        """What holds nothing is not kept, or anybody could fill the memory with names."""
        is_idle = not live.is_growing and live.transfer is None and live.finishing is None
        if is_idle and live.turn == number:
            self._lives.pop(upload_id, None)

    async def _transfer(self, live: _Live, row: UploadRow, chunk: Chunk) -> UploadRow:
        begins_object = row.start_bytes == 0 and bool(row.key)
        if live.fingerprint is None and begins_object:
            live.fingerprint = Fingerprint(announced_algorithms(row))
        length = self.rules.object_bytes_max if row.length_bytes is None else row.length_bytes
        transfer = Transfer(self._rows, self._parts, row, live.fingerprint, lifetime=self.lifetime)
        live.transfer = transfer
        live.settled.clear()
        try:
            return await transfer.run(dataclasses.replace(chunk, stop=row.start_bytes + length))
        except NotFoundError as error:
            lost = await self._rows.take(row.id)
            if lost is not None:
                live.transfer = None
                await self.end(Turn(lost, 0), UploadEvent.FAILED)
            raise GoneError("bytes of this upload are lost; it has to begin anew") from error
        finally:
            live.fingerprint = transfer.fingerprint
            live.transfer = None
            live.settled.set()

    async def _joined_before(
        self, parts: list[UploadRow], ids: tuple[str, ...]
    ) -> UploadRow | None:
        """The upload that has joined exactly these parts already."""
        into = {part.joined_into for part in parts}
        if len(into) != 1 or into == {""}:
            return None
        final = await self._rows.find(into.pop())
        return final if final is not None and tuple(final.parts) == ids else None

    def _begin_finish(self, row: UploadRow) -> asyncio.Task[UploadRow]:
        live = self._lives.setdefault(row.id, _Live())
        if live.finishing is None:
            first = self._lives.get(row.parts[0]) if row.parts and row.batch else live
            fingerprint = None if first is None else first.fingerprint
            live.finishing = asyncio.create_task(self._finisher.finish(row, fingerprint))
            live.finishing.add_done_callback(lambda task: self._finished(row.id, task))
        return live.finishing

    def _finished(self, upload_id: str, task: asyncio.Task[UploadRow]) -> None:
        self._lives.pop(upload_id, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, CinedgeError):
            _log.error("an upload could not be finished", upload=upload_id, exc_info=error)

    async def _discard(self, row: UploadRow) -> None:
        if not row.batch:
            await self._parts.discard(row.identity)
            return
        first = row.start_bytes // row.extent_bytes
        stop = row.start_bytes + (row.length_bytes or 0)
        if row.kind == FINAL:
            first, stop = 0, row.offset_bytes
        await self._parts.discard(row.identity, range(first, -(-stop // row.extent_bytes)))

    @staticmethod
    def _require_turn(live: _Live, number: int) -> None:
        if live.turn != number:
            raise SupersededError("a newer request goes on with this upload")


def _require(row: UploadRow | None, owner: str) -> UploadRow:
    """The upload, when it is this owner's and still one. Raises NotFoundError, GoneError."""
    if row is None or row.owner != owner:
        raise NotFoundError("there is no such upload")
    if row.upload_state in (UploadState.CANCELLED, UploadState.EXPIRED):
        raise GoneError(f"this upload is {row.state}")
    return row
