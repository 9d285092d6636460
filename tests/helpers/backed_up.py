"""An origin's catalog and volumes in the test's own process, for tests of backups."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from config.topology import Address, OriginNode, Volume
from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url
from origin.store.disk import DiskStore, open_disk_store

EXTENT_BYTES = 64 * 1024
FILM = random.Random(7).randbytes(2 * EXTENT_BYTES + 17)


def node_in(folder: Path, *, volumes: int = 1, copies: int = 1, database: str = "") -> OriginNode:
    """An origin all of whose files are below `folder`."""
    return OriginNode(
        name="origin-1",
        listen=Address("127.0.0.1", 8000),
        data=str(folder / "data"),
        database=database,
        volumes=tuple(Volume(f"v{n}", str(folder / f"v{n}")) for n in range(volumes)),
        copies=copies,
        extent_bytes=EXTENT_BYTES,
    )


def elsewhere(node: OriginNode, folder: Path) -> OriginNode:
    """The same origin on another machine."""
    moved = node_in(folder, volumes=len(node.volumes), copies=node.copies)
    return replace(moved, database=node.database)


async def _open(node: OriginNode) -> tuple[Catalog, DiskStore]:
    data = Path(node.data)
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    store = await open_disk_store(
        node.volumes,
        state_path=data / "volumes.json",
        clock=time.time,
        copies=node.copies,
        extent_bytes=node.extent_bytes,
    )
    return await open_catalog(parse_database_url(node.database, data), time.time), store


def put_all(node: OriginNode, films: Mapping[str, bytes]) -> None:
    """Publish films as uploads do."""

    async def put() -> None:
        catalog, store = await _open(node)
        for key, content in films.items():
            writer = await store.create(key, await catalog.reserve(key))
            await writer.write(content)
            await catalog.publish(await writer.commit(), "video/mp4", lambda _: None)
        await catalog.close()
        await store.close()

    asyncio.run(put())


def contents_of(node: OriginNode) -> dict[str, bytes]:
    """Every film that the catalog names, as it is read from the volumes."""

    async def read() -> dict[str, bytes]:
        catalog, store = await _open(node)
        rows, _ = catalog.objects.page(limit=1000)
        found = {}
        for row in rows:
            pieces = [piece async for piece in store.read(row.stored, 0, row.size_bytes)]
            found[row.key] = b"".join(pieces)
        await catalog.close()
        await store.close()
        return found

    return asyncio.run(read())
