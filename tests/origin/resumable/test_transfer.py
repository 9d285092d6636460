"""The bytes of one request: what is durable when, and what a failing store leaves."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cdnkit.errors import IncompleteBodyError, StorageFullError
from origin.catalog.uploads import UploadRow
from origin.resumable.errors import ChecksumError, SupersededError
from origin.resumable.fingerprint import Fingerprint
from origin.resumable.transfer import ChunkCheck, Transfer
from origin.store.memory import MemoryStore
from origin.store.sums import PIECE_BYTES
from tests.origin.resumable.intakes import Body, Site, chunk_of, open_site

PIECES = [bytes([n]) * PIECE_BYTES for n in range(4)]


def transfer(site: Site, row: UploadRow, **settings: Any) -> Transfer:
    fingerprint = settings.pop("fingerprint", Fingerprint())
    return Transfer(site.rows, site.store.parts, row, fingerprint, lifetime=lambda: 9.0, **settings)


async def run(site: Site, moving: Transfer, body: Body, *checks: ChunkCheck) -> UploadRow:
    chunk = chunk_of(body, checks)
    return await moving.run(replace(chunk, stop=1 << 40))


@pytest.fixture
async def roomy(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path, MemoryStore(1 << 20), object_bytes_max=1 << 30) as site:
        yield site


async def test_the_row_is_told_while_bytes_come_in(roomy: Site) -> None:
    row = await roomy.create(5 * PIECE_BYTES)
    told = []
    save = roomy.rows.save

    async def watched(each: UploadRow) -> bool:
        told.append(each.offset_bytes)
        return await save(each)

    roomy.rows.save = watched  # type: ignore[method-assign,assignment]
    body = Body(*PIECES)
    ended = await run(roomy, transfer(roomy, row, sync_bytes=PIECE_BYTES), body)
    assert told == sorted(told)
    assert told[0] < ended.offset_bytes == 4 * PIECE_BYTES
    assert ended.expires_at == 9.0


async def test_a_full_store_keeps_what_it_took(tmp_path: Path) -> None:
    store = MemoryStore(1 << 20, size_bytes=2 * PIECE_BYTES + 10)
    async with open_site(tmp_path, store, object_bytes_max=1 << 30) as site:
        row = await site.create(4 * PIECE_BYTES)
        moving = transfer(site, row)
        with pytest.raises(StorageFullError):
            await run(site, moving, Body(*PIECES))
        assert moving.row.offset_bytes == 2 * PIECE_BYTES
        assert (await site.intake.look(row.id, "studio")).offset_bytes == 2 * PIECE_BYTES


@pytest.mark.parametrize("is_cut", [True, False])
async def test_half_a_chunk_with_a_checksum_does_not_count(roomy: Site, is_cut: bool) -> None:
    row = await roomy.create(4 * PIECE_BYTES)
    check = ChunkCheck(hashlib.sha256(), hashlib.sha256(b"".join(PIECES)).digest())
    body = Body(*PIECES[:2], ends=not is_cut)
    if is_cut:
        body.cut()
    moving = transfer(roomy, row, sync_bytes=PIECE_BYTES)
    with pytest.raises(IncompleteBodyError if is_cut else ChecksumError):
        await run(roomy, moving, body, check)
    assert moving.row.offset_bytes == 0
    assert moving.fingerprint is not None
    assert moving.fingerprint.position == 0, "nor for the digest of the whole"


async def test_the_digest_runs_along(roomy: Site) -> None:
    row = await roomy.create(4 * PIECE_BYTES)
    moving = transfer(roomy, row)
    ended = await run(roomy, moving, Body(*PIECES))
    assert ended.state == "received"
    assert moving.fingerprint is not None
    assert moving.fingerprint.digests()["sha-256"] == hashlib.sha256(b"".join(PIECES)).digest()


@pytest.mark.parametrize("is_cut", [True, False])
async def test_upload_whose_last_byte_is_here_is_complete_however_its_request_ends(
    roomy: Site, is_cut: bool
) -> None:
    row = await roomy.create(4 * PIECE_BYTES)
    moving = transfer(roomy, row)
    body = Body(*PIECES, ends=False)
    running = asyncio.create_task(run(roomy, moving, body))
    await body.waiting.wait()
    if is_cut:
        body.cut()
    else:
        moving.interrupt(SupersededError("a newer request goes on with this upload"))
    with pytest.raises(IncompleteBodyError if is_cut else SupersededError):
        await running
    assert (moving.row.state, moving.row.received_bytes) == ("received", 4 * PIECE_BYTES)


async def test_upload_that_is_cut_before_its_last_byte_goes_on(roomy: Site) -> None:
    row = await roomy.create(4 * PIECE_BYTES)
    moving = transfer(roomy, row)
    body = Body(*PIECES[:3], ends=False)
    body.cut()
    with pytest.raises(IncompleteBodyError):
        await run(roomy, moving, body)
    assert (moving.row.state, moving.row.received_bytes) == ("receiving", 3 * PIECE_BYTES)
