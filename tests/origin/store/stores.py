"""Stores to test with, small enough that every object has many extents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from config.topology import Volume
from origin.store.base import ByteStore, Receipt, StoredObject
from origin.store.disk import DiskStore, open_disk_store
from origin.store.extents import extent_name
from origin.store.volumes import EXTENTS_DIR, PARTIAL_DIR

EXTENT_BYTES = 1000
NOW = 1_700_000_000.0


def make_volumes(root: Path, count: int, size_bytes: int = 0) -> list[Volume]:
    """Volumes v0, v1, ... under `root`."""
    return [
        Volume(name=f"v{n}", path=str(root / f"v{n}"), size_bytes=size_bytes, reserve_bytes=0)
        for n in range(count)
    ]


@asynccontextmanager
async def disk_store(
    root: Path,
    count: int = 1,
    copies: int = 1,
    *,
    size_bytes: int = 0,
    extent_bytes: int = EXTENT_BYTES,
    descriptors_max: int = 16,
) -> AsyncIterator[DiskStore]:
    """A disk store over `count` volumes, closed at the end."""
    store = await open_disk_store(
        make_volumes(root, count, size_bytes),
        state_path=root / "state.json",
        clock=lambda: NOW,
        copies=copies,
        extent_bytes=extent_bytes,
        descriptors_max=descriptors_max,
    )
    try:
        yield store
    finally:
        await store.close()


async def put(store: ByteStore, data: bytes, object_id: str = "a", generation: int = 1) -> Receipt:
    """Create an object in one write."""
    writer = await store.create(object_id, generation)
    await writer.write(data)
    return await writer.commit()


async def get(store: ByteStore, stored: StoredObject, start: int, stop: int) -> bytes:
    """Read an interval whole."""
    return b"".join([piece async for piece in store.read(stored, start, stop)])


def files_of(root: Path) -> list[Path]:
    """Every extent file, committed or partial, of all volumes."""
    kinds = (EXTENTS_DIR, PARTIAL_DIR)
    return [path for kind in kinds for path in root.glob(f"*/{kind}/**/*") if path.is_file()]


def copies_of(root: Path, stored: StoredObject, index: int) -> list[Path]:
    """The committed copies of one extent."""
    name = extent_name(stored.object_id, stored.generation, index)
    return sorted(root.glob(f"*/{EXTENTS_DIR}/{name}"))


def flip_in_place(path: Path, at: int) -> None:
    """Change a bit where it is, as a disk does, and not by renaming another file over it."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
