"""Whose turn it is, what a cut leaves, and how uploads end."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from cdnkit.errors import (
    ConflictError,
    IncompleteBodyError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from origin.ingest.session import UploadState
from origin.resumable.errors import (
    GoneError,
    InconsistentLengthError,
    MismatchingOffsetError,
    QuotaError,
    SupersededError,
)
from origin.resumable.rules import PARTIAL, Wish
from origin.store.memory import MemoryStore
from tests.helpers.clock import FakeClock
from tests.origin.resumable.intakes import EXTENT_BYTES, KEY, OWNER, Body, Site, chunk_of, open_site

FILM = bytes(range(256)) * 14 + b"end"


async def test_a_cut_keeps_what_arrived_and_the_next_request_goes_on(site: Site) -> None:
    row = await site.create(len(FILM))
    body = Body(FILM[:700], FILM[700:1300], ends=False)
    body.cut()
    with pytest.raises(IncompleteBodyError):
        await site.append(row.id, 0, body)
    assert await site.offset(row.id) == 1300
    ended = await site.append(row.id, 1300, Body(FILM[1300:]))
    assert ended.upload_state is UploadState.PUBLISHED
    assert await site.bytes_of() == FILM


async def test_a_cancelled_request_keeps_what_arrived(site: Site) -> None:
    row = await site.create(len(FILM))
    body = Body(FILM[:1700], ends=False)
    task = asyncio.create_task(site.append(row.id, 0, body))
    await body.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await site.offset(row.id) == 1700


@pytest.mark.parametrize("newer", ["head", "patch"])
async def test_the_newest_request_ends_the_older_at_once(site: Site, newer: str) -> None:
    row = await site.create(len(FILM))
    body = Body(FILM[:900], ends=False)
    older = asyncio.create_task(site.append(row.id, 0, body))
    await body.waiting.wait()
    if newer == "head":
        assert await site.offset(row.id) == 900
    else:
        ended = await site.append(row.id, 900, Body(FILM[900:]))
        assert ended.upload_state is UploadState.PUBLISHED
        assert await site.bytes_of() == FILM
    with pytest.raises(SupersededError):
        await older


async def test_of_many_requests_at_once_the_last_to_come_wins(site: Site) -> None:
    row = await site.create(len(FILM))
    tasks = [asyncio.create_task(site.append(row.id, 0, Body(FILM))) for _ in range(6)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not isinstance(results[-1], BaseException)
    assert all(isinstance(each, SupersededError | MismatchingOffsetError) for each in results[:-1])
    assert await site.bytes_of() == FILM
    assert [change.generation for change in await site.catalog.changes_after(0, 9)] == [1]


async def test_an_overtaken_request_that_has_not_begun_writes_nothing(site: Site) -> None:
    row = await site.create(len(FILM))
    turn = await site.intake.take_over(row.id, OWNER)
    prepared = await site.intake.prepare(turn, 0, None, {})
    assert await site.offset(row.id) == 0
    with pytest.raises(SupersededError):
        await site.intake.append(turn, prepared, chunk_of(Body(FILM)))
    assert await site.offset(row.id) == 0


async def test_another_process_overtakes_by_the_epoch(site: Site) -> None:
    row = await site.create(len(FILM))
    body = Body(FILM[:900], ends=False)
    older = asyncio.create_task(site.append(row.id, 0, body))
    await body.waiting.wait()
    await site.rows.take(row.id)
    body.send(FILM[900:])
    body.end()
    with pytest.raises(SupersededError):
        await older
    assert site.catalog.objects.get(KEY) is None
    assert await site.offset(row.id) == 0, "nothing of the overtaken writer counts"


async def test_finishing_twice_is_one_object_and_one_generation(site: Site) -> None:
    row = await site.create(len(FILM))
    first = await site.append(row.id, 0, Body(FILM))
    again = await asyncio.gather(*(site.append(row.id, len(FILM), Body()) for _ in range(3)))
    assert all(each.outcome == first.outcome for each in again)
    with pytest.raises(MismatchingOffsetError):
        await site.append(row.id, 0, Body(FILM))
    assert len(await site.catalog.changes_after(0, 9)) == 1


async def test_a_finish_that_cannot_now_is_done_later(site: Site, tmp_path: Path) -> None:
    row = await site.create(len(FILM))
    publish = site.catalog.publish

    async def refuse(*_: object) -> None:
        raise UnavailableError("the catalog's database does not answer")

    site.catalog.publish = refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(UnavailableError):
        await site.append(row.id, 0, Body(FILM))
    found = await site.intake.look(row.id, OWNER)
    assert (found.upload_state, found.received_bytes) == (UploadState.RECEIVED, len(FILM))
    site.catalog.publish = publish  # type: ignore[method-assign]
    ended = await site.append(row.id, len(FILM), Body())
    assert ended.upload_state is UploadState.PUBLISHED


async def test_a_start_finishes_what_was_received(tmp_path: Path) -> None:
    store = MemoryStore(EXTENT_BYTES)
    async with open_site(tmp_path, store) as site:
        row = await site.create(len(FILM))

        async def crash(*_: object) -> None:
            raise UnavailableError("gone")

        site.catalog.publish = crash  # type: ignore[method-assign,assignment]
        with pytest.raises(UnavailableError):
            await site.append(row.id, 0, Body(FILM))
    async with open_site(tmp_path, store) as site:
        ended = await site.append(row.id, len(FILM), Body())
        assert ended.upload_state is UploadState.PUBLISHED
        assert await site.bytes_of() == FILM


async def test_a_start_goes_on_and_removes_strangers(tmp_path: Path) -> None:
    store = MemoryStore(EXTENT_BYTES)
    async with open_site(tmp_path, store) as site:
        row = await site.create(len(FILM))
        body = Body(FILM[:1500], ends=False)
        body.cut()
        with pytest.raises(IncompleteBodyError):
            await site.append(row.id, 0, body)
    store.parts.extents["stranger", 1, 0] = bytearray(b"left by a crash")
    async with open_site(tmp_path, store) as site:
        assert ("stranger", 1, 0) not in store.parts.extents
        assert await site.offset(row.id) == 1500
        await site.append(row.id, 1500, Body(FILM[1500:]))
        assert await site.bytes_of() == FILM


async def test_lost_bytes_end_the_upload_and_say_so(tmp_path: Path) -> None:
    store = MemoryStore(EXTENT_BYTES)
    async with open_site(tmp_path, store) as site:
        row = await site.create(len(FILM))
        body = Body(FILM[:1500], ends=False)
        body.cut()
        with pytest.raises(IncompleteBodyError):
            await site.append(row.id, 0, body)
    store.parts.extents.clear()
    async with open_site(tmp_path, store) as site:
        with pytest.raises(GoneError):
            await site.append(row.id, 1500, Body(FILM[1500:]))
        assert (await site.intake.look(row.id, OWNER)).upload_state is UploadState.ABANDONED


async def test_parts_are_joined_once_and_only_when_complete(site: Site) -> None:
    stops = [0, 2000, len(FILM)]
    ids = []
    for start, stop in itertools.pairwise(stops):
        hints = {"batch": "b", "start_bytes": start, "total_bytes": len(FILM)}
        row = await site.create(stop - start, kind=PARTIAL, **hints)
        ids.append(row.id)
    await site.append(ids[0], 0, Body(FILM[:2000]))
    with pytest.raises(ConflictError, match="only complete parts"):
        await site.intake.join(Wish(OWNER, key=KEY), tuple(ids))
    await site.append(ids[1], 0, Body(FILM[2000:]))
    finals = await asyncio.gather(
        *(site.intake.join(Wish(OWNER, key=KEY), tuple(ids)) for _ in range(3))
    )
    assert len({final.id for final in finals}) == 1
    assert await site.bytes_of() == FILM
    assert len(await site.catalog.changes_after(0, 9)) == 1
    with pytest.raises(NotFoundError):
        await site.intake.join(Wish("someone-else", key=KEY), tuple(ids))


async def test_unfinished_uploads_expire_and_ended_ones_are_forgotten(site: Site) -> None:
    unfinished, finished = await site.create(10), await site.create(3)
    await site.append(finished.id, 0, Body(b"abc"))
    body = Body(b"1234", ends=False)
    body.cut()
    with pytest.raises(IncompleteBodyError):
        await site.append(unfinished.id, 0, body)
    assert await site.intake.expire() == 0
    site.clock.advance(24 * 3600 + 1)
    assert await site.intake.expire() == 2
    with pytest.raises(GoneError):
        await site.offset(unfinished.id)
    with pytest.raises(NotFoundError):
        await site.offset(finished.id)
    assert not site.store.parts.extents
    assert await site.bytes_of() == b"abc"
    site.clock.advance(24 * 3600 + 1)
    assert await site.intake.expire() == 1
    with pytest.raises(NotFoundError):
        await site.offset(unfinished.id)


async def test_an_upload_at_work_does_not_expire(site: Site) -> None:
    row = await site.create(10)
    body = Body(b"1234", ends=False)
    task = asyncio.create_task(site.append(row.id, 0, body))
    await body.waiting.wait()
    site.clock.advance(48 * 3600)
    assert await site.intake.expire() == 0
    body.send(b"567890")
    body.end()
    assert (await task).upload_state is UploadState.PUBLISHED


async def test_cancelling_ends_the_writer_and_removes_the_bytes(site: Site) -> None:
    row = await site.create(len(FILM))
    body = Body(FILM[:1500], ends=False)
    task = asyncio.create_task(site.append(row.id, 0, body))
    await body.waiting.wait()
    await site.intake.cancel(row.id, OWNER)
    with pytest.raises(SupersededError):
        await task
    assert not site.store.parts.extents
    assert site.store.used_bytes == 0


async def test_quotas_are_per_owner(tmp_path: Path) -> None:
    async with open_site(tmp_path, uploads_max=2, unfinished_bytes_max=1000) as site:
        await site.create(600)
        with pytest.raises(QuotaError):
            await site.create(500)
        late = await site.create(None)
        with pytest.raises(QuotaError):
            await site.create(1)
        turn = await site.intake.take_over(late.id, OWNER)
        with pytest.raises(QuotaError):
            await site.intake.prepare(turn, 0, 500, {})
        await site.intake.create(Wish("another", key=KEY, length_bytes=900))


async def test_lengths_are_held_to(tmp_path: Path) -> None:
    async with open_site(tmp_path, object_bytes_max=1000) as site:
        row = await site.create(None)
        with pytest.raises(TooLargeError):
            await site.append(row.id, 0, Body(b"x" * 600, b"x" * 600))
        assert await site.offset(row.id) == 600
        turn = await site.intake.take_over(row.id, OWNER)
        with pytest.raises(InconsistentLengthError):
            await site.intake.prepare(turn, 600, 599, {})
        with pytest.raises(TooLargeError):
            await site.create(1001)


async def test_names_nobody_knows_take_no_memory(site: Site) -> None:
    for n in range(5):
        with pytest.raises(NotFoundError):
            await site.intake.take_over(f"unknown-{n}", OWNER)
    assert not site.intake._lives


async def test_stopping_ends_requests_and_keeps_their_bytes(tmp_path: Path) -> None:
    store, clock = MemoryStore(EXTENT_BYTES), FakeClock()
    async with open_site(tmp_path, store, clock) as site:
        row = await site.create(len(FILM))
        body = Body(FILM[:1500], ends=False)
        task = asyncio.create_task(site.append(row.id, 0, body))
        await body.waiting.wait()
        await site.intake.close()
        with pytest.raises(SupersededError):
            await task
    async with open_site(tmp_path, store, clock) as site:
        assert await site.offset(row.id) == 1500
