"""What a disk store holds, across restarts and changes of its volumes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from origin.store.base import FileSlice, StoredObject
from origin.store.disk import DiskStore
from tests.origin.store.stores import copies_of, disk_store, files_of, get, put

DATA = bytes(range(256)) * 20
STORED = StoredObject("a", 1, len(DATA), 1000)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DiskStore]:
    """Four volumes, two copies, one object."""
    async with disk_store(tmp_path, 4, 2) as opened:
        await put(opened, DATA)
        yield opened


def read_part(piece: FileSlice) -> bytes:
    return Path(piece.path).read_bytes()[piece.start : piece.stop]


async def test_each_extent_has_its_copies_on_different_volumes(
    store: DiskStore, tmp_path: Path
) -> None:
    for index in range(6):
        assert len({path.parts[-4] for path in copies_of(tmp_path, STORED, index)}) == 2


async def test_lost_bytes_are_not_found_unless_a_failing_volume_may_have_them(
    store: DiskStore, tmp_path: Path
) -> None:
    for path in copies_of(tmp_path, STORED, 1):
        path.unlink()
    with pytest.raises(NotFoundError):
        await get(store, STORED, 1000, 1001)
    shutil.rmtree(tmp_path / "v0")
    store._reader.descriptors.clear()
    with pytest.raises(UnavailableError):
        await get(store, STORED, 1000, 1001)


async def test_a_restart_finds_everything_and_counts_it(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 2, 2) as store:
        await put(store, DATA)
        used = [state.used_bytes for state in store.volume_states()]
        writer = await store.create("torn", 1)
        await writer.write(bytes(5000))
        await writer._place._writing.settle()  # type: ignore[attr-defined]
    async with disk_store(tmp_path, 2, 2) as store:
        assert await get(store, STORED, 0, len(DATA)) == DATA
        assert [state.used_bytes for state in store.volume_states()] == used
        assert sum(path.stat().st_size for path in files_of(tmp_path)) == sum(used)
        with pytest.raises(ConflictError):
            await store.create("a", 1)


async def test_new_volumes_do_not_hide_old_objects(tmp_path: Path) -> None:
    async with disk_store(tmp_path, 1, 1) as store:
        await put(store, DATA)
    async with disk_store(tmp_path, 6, 2) as store:
        assert await get(store, STORED, 0, len(DATA)) == DATA
        await store.delete(STORED)
        assert files_of(tmp_path) == []


async def test_slices_name_the_files_of_an_interval(store: DiskStore) -> None:
    slices = store.slices(STORED, 900, 3100)
    assert slices is not None
    found = b"".join(read_part(piece) for piece in slices)
    assert found == DATA[900:3100]
    await store.delete(STORED)
    assert store.slices(STORED, 900, 3100) is None
