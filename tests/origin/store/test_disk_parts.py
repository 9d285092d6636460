"""Parts on disk volumes: full disks, crashes between two steps, bits that flip, links refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from cdnkit.errors import StorageFullError, UnavailableError
from tests.origin.store.stores import EXTENT_BYTES, disk_store, files_of
from tests.origin.store.test_resumable import (
    FRESH,
    IDENTITY,
    assembled,
    film,
    finish,
    kept_files,
    take,
)


async def test_a_full_disk_keeps_what_was_durable(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 1, size_bytes=2200) as store:
        state = await take(store.parts, FRESH, film(1500))
        with pytest.raises(StorageFullError):
            await take(store.parts, state, film(900))
    async with disk_store(tmp_path, 1, size_bytes=9000) as store:
        await store.parts.keep_only({IDENTITY})
        state = await take(store.parts, state, film(4000)[1500:])
        await finish(store.parts, state)
        assert await assembled(store, 4000) == film(4000)
        used = store.volume_states()[0].used_bytes
    async with disk_store(tmp_path, 1, size_bytes=9000) as store:
        assert (
            store.volume_states()[0].used_bytes
            == used
            == sum(path.stat().st_size for path in files_of(tmp_path))
        )


async def test_a_crash_while_extents_are_placed_loses_nothing(tmp_path: Path) -> None:
    data = film(3500)
    async with disk_store(tmp_path) as store:
        await finish(store.parts, await take(store.parts, FRESH, data))
        store.parts._place(IDENTITY, range(1, 4))
    async with disk_store(tmp_path) as store:  # sweeps extents of an object without its first
        assert await assembled(store, 3500) == data


async def test_a_flipped_bit_is_not_made_an_object_with_a_good_copy(tmp_path: Path) -> None:
    data = film(2500)
    async with disk_store(tmp_path, 4, 2) as store:
        await finish(store.parts, await take(store.parts, FRESH, data))
        first = next(path for path in kept_files(tmp_path) if path.name.endswith("-1"))
        spoilt = bytearray(first.read_bytes())
        spoilt[10] ^= 1
        first.write_bytes(spoilt)
        pieces = store.parts.read(IDENTITY, EXTENT_BYTES, 0, 2500)
        assert b"".join([piece async for piece in pieces]) == data


async def test_without_links_extents_are_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    async with disk_store(tmp_path, 2, 2) as store:
        await finish(store.parts, await take(store.parts, FRESH, film(2500)))
        assert await assembled(store, 2500) == film(2500)
    assert kept_files(tmp_path) == []


async def test_a_sync_covers_what_was_put_before_it(tmp_path: Path) -> None:
    async with disk_store(tmp_path) as store:
        writer = await store.parts.open_part(IDENTITY, FRESH)
        await writer.put(film(1700))
        syncing = writer.sync()
        await writer.put(b"later" * 100)
        state = await syncing
        assert (state.offset, len(state.crc32c)) == (1700, 2)
        assert writer.offset == 1700 + 500
        await writer.close()
        state = await take(store.parts, state, film(2600)[1700:])
        await finish(store.parts, state)
        assert await assembled(store, 2600) == film(2600)


async def test_running_out_of_descriptors_loses_no_parts_and_blames_no_volume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async with disk_store(tmp_path, 2, 2) as store:
        await finish(store.parts, await take(store.parts, FRESH, film(2500)))
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refuse)
            with pytest.raises(UnavailableError):
                await anext(store.parts.read(IDENTITY, EXTENT_BYTES, 0, 2500))
            with pytest.raises(UnavailableError):
                await assembled(store, 2500)
        assert [state.failure for state in store.volume_states()] == [None, None]
        assert await assembled(store, 2500) == film(2500)
