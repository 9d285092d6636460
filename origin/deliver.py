"""Answer GET and HEAD for a stored object: conditions, ranges, head, body.

Decides what is sent, in the order of RFC 9110 13.2.2; how the bytes of a file reach the socket is
`origin.send`. A body is announced only once its bytes are at hand, and one that cannot be
completed raises, so that the connection breaks and no client takes a part for the whole.
Repr-Digest goes with every answer: it costs less than varying on Want-Repr-Digest (RFC 9530 4).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias, cast

from aiohttp import web

from cdnkit.dates import format_http_date
from cdnkit.digests import format_digest_field
from cdnkit.errors import CinedgeError, Fault, PreconditionFailedError, UnavailableError
from cdnkit.ranges import (
    Multi,
    RangePlan,
    Single,
    Unsatisfiable,
    Whole,
    format_content_range,
    format_unsatisfied_range,
    lay_out_multipart,
    plan_ranges,
)
from cdnkit.service.exchange import EXCHANGE, note_raw_body
from cdnkit.validators import Validators, Verdict, evaluate, range_applies
from origin.requests import fields_of
from origin.send import STALL_SECONDS_DEFAULT, FileTroubleError, Outlet, open_outlet
from origin.store.base import ByteStore, Lease, StoredObject

Interval: TypeAlias = tuple[int, int]

BODYLESS_METHOD: Final = "HEAD"

log = logging.getLogger(__name__)


class RangeNotSatisfiableError(CinedgeError):
    """No byte of the object was asked for (RFC 9110 15.5.17)."""

    status: ClassVar[int] = 416
    code: ClassVar[str] = "range-not-satisfiable"
    fault: ClassVar[Fault] = Fault.CLIENT

    def __init__(self, size_bytes: int, fields: Mapping[str, str]) -> None:
        super().__init__(f"the object has {size_bytes} bytes")
        self._fields = {**fields, "Content-Range": format_unsatisfied_range(size_bytes)}

    def headers(self) -> dict[str, str]:
        """Content-Range with the length, and what else the answer carries."""
        return self._fields


@dataclass(frozen=True, slots=True)
class Body:
    """What follows the head: literal bytes, and intervals of the object."""

    status: int
    length: int
    fields: Mapping[str, str]
    segments: Sequence[bytes | Interval]


async def deliver(
    request: web.Request,
    *,
    stored: StoredObject,
    content_type: str,
    validators: Validators,
    cache_control: str,
    digest: bytes | None,
    store: ByteStore,
    extra_headers: Mapping[str, str] | None = None,
    stall_seconds: float = STALL_SECONDS_DEFAULT,
) -> web.StreamResponse:
    """Answer a GET or HEAD of `stored`; `digest` is its SHA-256.

    Raises PreconditionFailedError, RangeNotSatisfiableError, and what the store raises; after the
    head, anything raised means that the body is cut short.
    """
    asked = fields_of(request)
    fields = {"Cache-Control": cache_control, **(extra_headers or {})}
    fields.update(_format_validators(validators))
    verdict = evaluate(request.method, asked, validators)
    if verdict is Verdict.FAILED:
        raise PreconditionFailedError("the object is not the one that the conditions name")
    if verdict is Verdict.NOT_MODIFIED:
        return web.Response(status=304, headers=fields)
    fields["Accept-Ranges"] = "bytes"
    plan = _plan(request.method, asked, validators, stored.size_bytes)
    if isinstance(plan, Unsatisfiable):
        raise RangeNotSatisfiableError(stored.size_bytes, fields)
    if digest is not None:
        fields["Repr-Digest"] = format_digest_field({"sha-256": digest})
    body = _lay_out(plan, stored.size_bytes, content_type)
    response = web.StreamResponse(status=body.status, headers={**fields, **body.fields})
    response.content_length = body.length
    if request.method == BODYLESS_METHOD:
        await response.prepare(request)
        return response
    await _Sender(request, response, store, stored, stall_seconds).send(body.segments)
    return response


def _plan(
    method: str, asked: Mapping[str, str], validators: Validators, size_bytes: int
) -> RangePlan:
    """Range counts for GET alone, and only if If-Range agrees (RFC 9110 14.2, 13.1.5)."""
    if (
        method == BODYLESS_METHOD
        or "range" not in asked
        or not range_applies(asked.get("if-range"), validators, None)
    ):
        return Whole()
    return plan_ranges(asked["range"], size_bytes)


def _lay_out(plan: Whole | Single | Multi, size_bytes: int, content_type: str) -> Body:
    typed = {"Content-Type": content_type}
    match plan:
        case Whole():
            return Body(200, size_bytes, typed, [(0, size_bytes)])
        case Single(start, stop):
            fields = {**typed, "Content-Range": format_content_range(start, stop, size_bytes)}
            return Body(206, stop - start, fields, [(start, stop)])
        case Multi(parts):
            layout = lay_out_multipart(parts, size_bytes, content_type, secrets.token_hex(16))
            fields = {"Content-Type": layout.content_type}
            return Body(206, layout.content_length, fields, layout.segments)


def _format_validators(validators: Validators) -> dict[str, str]:
    fields = {}
    if validators.etag is not None:
        fields["ETag"] = validators.etag
    if validators.last_modified is not None:
        fields["Last-Modified"] = format_http_date(validators.last_modified)
    return fields


class _Sender:
    """One answer with a body."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        store: ByteStore,
        stored: StoredObject,
        stall_seconds: float,
    ) -> None:
        self._request = request
        self._response = response
        self._store = store
        self._stored = stored
        self._stall_seconds = stall_seconds

    async def send(self, segments: Sequence[bytes | Interval]) -> None:
        """Make sure of the bytes, then send the head and all segments."""
        intervals = [part for part in segments if not isinstance(part, bytes)]
        leases: list[Lease] = []
        try:
            for start, stop in intervals:
                lease = await self._store.lease(self._stored, start, stop)
                if lease is None:
                    break
                leases.append(lease)
            outlet = None
            if len(leases) == len(intervals):
                outlet = open_outlet(self._request.transport, self._stall_seconds, self._count)
            if outlet is None:
                await self._stream_all(segments)
            else:
                with outlet:
                    await self._send_all(segments, iter(leases), outlet)
        finally:
            for lease in leases:
                lease.release()

    async def _send_all(
        self, segments: Sequence[bytes | Interval], leases: Iterator[Lease], outlet: Outlet
    ) -> None:
        """Files to socket; a file that fails is replaced by what the store can still read."""
        await self._response.prepare(self._request)
        for segment in segments:
            if isinstance(segment, bytes):
                await self._response.write(segment)
                continue
            await outlet.flush()
            before = outlet.sent_bytes
            try:
                for piece in next(leases).slices:
                    await outlet.send(piece)
            except FileTroubleError as trouble:
                log.warning("%s is read by the piece: %s", self._stored.object_id, trouble)
                start, stop = segment
                start += outlet.sent_bytes - before
                await self._write(self._read(start, stop), stop - start)

    async def _stream_all(self, segments: Sequence[bytes | Interval]) -> None:
        """By way of the transport, as TLS and distant stores need it."""
        for segment in segments:
            if isinstance(segment, bytes):
                await self._response.prepare(self._request)
                await self._response.write(segment)
            else:
                start, stop = segment
                await self._write(self._read(start, stop), stop - start)

    def _read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        return cast(AsyncGenerator[bytes, None], self._store.read(self._stored, start, stop))

    async def _write(self, pieces: AsyncGenerator[bytes, None], size_bytes: int) -> None:
        """Write all pieces; the head goes out with the first, so that no byte, no head."""
        written = 0
        async with aclosing(pieces):
            async for piece in pieces:
                await self._response.prepare(self._request)
                await self._response.write(piece)
                written += len(piece)
        if written != size_bytes:
            raise UnavailableError(f"the store gave {written} of {size_bytes} bytes")
        await self._response.prepare(self._request)

    def _count(self, size_bytes: int) -> None:
        """Tell aiohttp's log and ours of bytes that their writer has not seen."""
        self._request.writer.output_size += size_bytes
        if EXCHANGE in self._request:
            note_raw_body(self._request, size_bytes)
