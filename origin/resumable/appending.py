"""Requests that bring bytes of an upload, from head to answer: creating and appending alike.

Decides the order: head, turn, offset, go-ahead, bytes, finish, answer. The answer to the request
that completes an upload waits until the object is published, and repeating it finds it published.
"""

from __future__ import annotations

from aiohttp import HttpVersion11, web

from origin.catalog.uploads import UploadRow
from origin.ingest.receive import long_body_of
from origin.requests import fields_of, send_continue
from origin.resumable.draft import Dialect
from origin.resumable.heads import AppendHead, CreationHead
from origin.resumable.intake import Intake
from origin.resumable.transfer import Chunk
from origin.resumable.views import kept_fields, limit_field, url_of
from origin.resumable.wording import Wording, base_url_of


class Appender:
    """Takes bytes in for one intake."""

    def __init__(self, intake: Intake, wording: Wording) -> None:
        self.intake = intake
        self._wording = wording

    async def create(self, request: web.Request, head: CreationHead) -> web.StreamResponse:
        """Create an upload, take in what comes with it, and say where it is."""
        if head.parts:
            row = await self.intake.join(head.wish, head.parts)
            return self._wording.created(request, row, head.dialect)
        row = await self.intake.create(head.wish)
        location = url_of(row, base_url_of(request))
        if head.first is None:
            # An upload of nothing is complete when it is created (tus: creation).
            first = AppendHead(head.dialect, 0, None, 0, None, ())
            if row.length_bytes == 0:
                row = await self._take_in(request, row.id, head.wish.owner, first)
                row = await self.intake.finished(row)
            return self._wording.created(request, row, head.dialect)
        if head.dialect is Dialect.DRAFT:
            limit = limit_field(row, self.intake.rules, self.intake.now())
            await _send_interim(request, {"Location": location, "Upload-Limit": limit})
        row = await self._take_in(request, row.id, head.wish.owner, head.first)
        if head.dialect is Dialect.DRAFT and row.is_complete:
            return await self._completed(request, row, head)
        row = await self.intake.finished(row)
        return self._wording.created(request, row, head.dialect)

    async def append(
        self, request: web.Request, upload_id: str, owner: str, head: AppendHead
    ) -> web.StreamResponse:
        """Take in the bytes of a PATCH."""
        row = await self._take_in(request, upload_id, owner, head)
        if row.is_complete:
            return await self._completed(request, row, head)
        return web.Response(status=204, headers=self._wording.state(row, head.dialect))

    async def _completed(
        self, request: web.Request, row: UploadRow, head: AppendHead | CreationHead
    ) -> web.StreamResponse:
        row = await self.intake.finished(row)
        return self._wording.completed(request, row, head.dialect)

    async def _take_in(
        self, request: web.Request, upload_id: str, owner: str, head: AppendHead
    ) -> UploadRow:
        turn = await self.intake.take_over(upload_id, owner)
        kept = kept_fields(fields_of(request))
        row = await self.intake.prepare(turn, head.offset, head.length_bytes, kept)
        head.require_fit(row.length_bytes)
        await send_continue(request)

        async def tell(offset: int) -> None:
            await _send_interim(request, {"Upload-Offset": str(offset)})

        with long_body_of(request, offset=row.offset_bytes) as read:
            chunk = Chunk(
                read=read,
                interrupt=request.content.set_exception,
                stop=0,
                ends_upload=head.ends_upload,
                checks=head.checks,
                on_progress=tell if head.dialect is Dialect.DRAFT else None,
            )
            row = await self.intake.append(turn, row, chunk)
        if head.is_last:
            head.require_end(row)
        return row


async def _send_interim(request: web.Request, fields: dict[str, str]) -> None:
    """A 104 on the way to the answer. HTTP/1.0 has none (RFC 9110 15.2)."""
    if request.version < HttpVersion11 or request.transport is None:
        return
    lines = ["HTTP/1.1 104 Upload Resumption Supported"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    await request.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    request.writer.output_size = 0
