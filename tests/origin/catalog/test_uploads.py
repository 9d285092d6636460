"""Rows of uploads: fenced, joined whole, counted, forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from origin.catalog.database import open_database, parse_database_url
from origin.catalog.uploads import UploadRow, UploadRows, Usage
from origin.ingest.session import UploadState
from origin.store.resumable import PartState


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[UploadRows]:
    database = await open_database(parse_database_url(database_url, Path()))
    made = UploadRows(database)
    yield made
    await made.close()
    await database.close()


def row(upload_id: str, **changes: Any) -> UploadRow:
    made = UploadRow(
        id=upload_id,
        owner="studio",
        kind="whole",
        state="opened",
        key="films/a.mp4",
        object_id="films/a.mp4",
        generation=0,
        batch="",
        extent_bytes=100,
        start_bytes=0,
        offset_bytes=0,
        length_bytes=50,
        crc32c=(),
        metadata="key YQ==",
        content_type="video/mp4",
        fields={"if-match": '"1"'},
        parts=(),
        joined_into="",
        epoch=0,
        outcome={},
        created_at=1.0,
        expires_at=100.0,
    )
    return dataclasses.replace(made, **changes)


async def found(rows: UploadRows, upload_id: str) -> UploadRow:
    got = await rows.find(upload_id)
    assert got is not None
    return got


async def test_a_row_comes_back_as_it_went(rows: UploadRows) -> None:
    added = await rows.add(row("a", start_bytes=100, offset_bytes=130, crc32c=(7,), batch="b"))
    got = await found(rows, "a")
    assert dataclasses.replace(got, crc32c=tuple(got.crc32c), parts=tuple(got.parts)) == added
    assert got.part == PartState(100, 100, 130, (7,))
    assert (got.received_bytes, got.is_complete, got.identity) == (30, False, ("films/a.mp4", 1))
    assert await rows.find("b") is None


async def test_who_was_overtaken_saves_nothing(rows: UploadRows) -> None:
    older = await rows.add(row("a"))
    newer = await rows.take("a")
    assert newer is not None
    assert newer.epoch == older.epoch + 1
    assert not await rows.save(dataclasses.replace(older, offset_bytes=40))
    assert await rows.save(dataclasses.replace(newer, offset_bytes=30))
    assert (await found(rows, "a")).offset_bytes == 30


async def test_an_end_is_final_and_finishing_is_not_overtaken(rows: UploadRows) -> None:
    received = await rows.add(row("a", state="received"))
    taken = await rows.take("a")
    assert taken is not None
    assert taken.epoch == received.epoch
    assert await rows.save(dataclasses.replace(received, state="published"))
    assert not await rows.save(dataclasses.replace(received, state="expired"))
    assert await rows.take("unknown") is None


async def test_a_batch_has_one_generation_however_its_parts_come(rows: UploadRows) -> None:
    parts = await asyncio.gather(*(rows.add(row(f"p{n}", batch="b")) for n in range(6)))
    assert {part.generation for part in parts} == {1}
    other = await rows.add(row("other"))
    assert other.generation > 1
    for part in parts:
        await rows.drop(part)
    assert (await rows.add(row("again", batch="b"))).generation > other.generation


async def test_parts_are_joined_all_or_none(rows: UploadRows) -> None:
    for name, state in (("p1", "received"), ("p2", "receiving")):
        await rows.add(row(name, state=state, kind="partial"))
    final = row("f", kind="final", state="received", parts=("p1", "p2"))
    assert await rows.join(final) is None
    assert (await found(rows, "p1")).upload_state is UploadState.RECEIVED
    assert await rows.find("f") is None
    await rows.save(dataclasses.replace(await found(rows, "p2"), state="received"))
    joined = await rows.join(final)
    assert joined is not None
    assert joined.generation > 0
    assert (await found(rows, "p2")).joined_into == "f"
    assert await rows.join(dataclasses.replace(final, id="g")) is None
    assert [each.id for each in await rows.find_all(["p2", "zz", "p1"])] == ["p2", "p1"]


async def test_only_unfinished_uploads_are_counted(rows: UploadRows) -> None:
    await rows.add(row("a", length_bytes=50))
    await rows.add(row("b", length_bytes=None, offset_bytes=7))
    await rows.add(row("c", state="published"))
    await rows.add(row("d", owner="other"))
    assert await rows.usage("studio") == Usage(2, 57)
    assert await rows.usage("nobody") == Usage(0, 0)
    held = {each.id for each in await rows.holding_bytes()}
    assert held == {"a", "b", "d"}


async def test_due_uploads_come_earliest_first_and_pages_in_order(rows: UploadRows) -> None:
    for name, at in (("c", 30.0), ("a", 10.0), ("b", 20.0)):
        await rows.add(row(name, expires_at=at))
    assert [each.id for each in await rows.due(20.0)] == ["a", "b"]
    assert [each.id for each in await rows.of_owner("studio", "a", 1)] == ["b"]
