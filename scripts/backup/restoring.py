"""A backup back into an origin that has nothing yet.

Bytes come first and the catalog last, so that a restore that was interrupted is simply done again.
What volumes hold besides, of the life that was lost, is moved out of the store: its names are given
again, and a reader would take it for what they then mean.
The catalog is told that it was restored before any origin opens it (`origin.catalog.restored`).
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from cdnkit.errors import ConflictError, StorageFullError, UnavailableError
from config.topology import OriginNode
from origin.app import volumes_of
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.restored import mark_restored
from origin.store.extents import placement_key
from origin.store.volumes import OpenVolume, VolumeSet, sync_directory
from scripts.backup.cut import run_program
from scripts.backup.extents import copy_extent, is_whole
from scripts.backup.folder import (
    CATALOGS,
    BackedUp,
    digest_of,
    extent_file,
    read_manifest,
    read_objects,
)

ASIDE: Final = ".before-restore"
"""Directory of a volume with the extents it held that are not those of the backup."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: objects with all their bytes, keys without, and the place of the journal.

    `set_aside`: how many extents the volumes held that are not those of the backup.
    """

    objects: int
    lost: tuple[str, ...]
    journal: int
    set_aside: int


def restore_backup(node: OriginNode, folder: Path, backup: Path, now: float) -> Restored:
    """Make `node` what it was. Raises ConflictError where there is a catalog already.

    Also StorageFullError, UnavailableError, OSError.
    """
    manifest = read_manifest(backup)
    catalog = backup / CATALOGS[manifest.database]
    url = parse_database_url(node.database, Path(node.data))
    if url.get_backend_name() != manifest.database:
        raise ConflictError(
            f"the backup is of {manifest.database}, the topology says {url.get_backend_name()}"
        )
    if digest_of(catalog) != manifest.sha256[catalog.name]:
        raise UnavailableError(f"{catalog} is not what was written; restore another backup")
    _refuse_catalog(url)
    data = Path(node.data)
    data.mkdir(parents=True, exist_ok=True)
    objects, lost, set_aside = 0, list[str](), 0
    if manifest.has_bytes:
        volumes = VolumeSet(volumes_of(node), data / "volumes.json", time.time)
        volumes.open()
        meant: dict[str, int] = {}
        right: dict[str, set[str]] = {volume.name: set() for volume in volumes.volumes}
        for each in read_objects(backup):
            meant.update({name: crc32c for _, name, crc32c in each.extents()})
            if _restore_object(volumes, node.copies, folder, each, right):
                objects += 1
            else:
                lost.append(each.stored.object_id)
        for volume in volumes.volumes:
            if volume.failure is None:
                set_aside += _set_aside(volume, right[volume.name], meant)
                _sync(volume)
    # It is made of titles, and knows how far: those of the other life.
    shutil.rmtree(data / "search", ignore_errors=True)
    if manifest.database == "postgresql":
        run_program(("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction",
                     str(catalog)), url)  # fmt: skip
        journal = asyncio.run(_mark(url, now))
    else:
        journal = _place_sqlite(catalog, Path(str(url.database)), now)
    return Restored(objects, tuple(lost), journal, set_aside)


def _refuse_catalog(url: sa.URL) -> None:
    where = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        # A log that was left beside would be written into the catalog that comes in its place.
        names = (f"{url.database}{suffix}" for suffix in ("-wal", "-journal", ""))
        where = next((name for name in names if Path(name).exists()), where)
        is_there = Path(where).exists()
    else:
        is_there = asyncio.run(_has_tables(url))
    if is_there:
        raise ConflictError(f"there is a catalog already ({where}); restore where there is none")


async def _has_tables(url: sa.URL) -> bool:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
            return bool(names)
    except (SQLAlchemyError, OSError) as error:
        raise UnavailableError(f"the database does not answer: {error}") from error
    finally:
        await engine.dispose()


def _restore_object(
    volumes: VolumeSet, copies: int, folder: Path, each: BackedUp, right: Mapping[str, set[str]]
) -> bool:
    """Whether all its extents are on the volumes now, noted in `right` by the volume's name.

    Raises StorageFullError, OSError.
    """
    for index, name, crc32c in reversed(list(each.extents())):
        # Extent 0 last: what a crash leaves behind is then known as rubbish.
        source = extent_file(folder, name, crc32c)
        key = placement_key(each.stored.object_id, each.stored.generation, index)
        ranked = volumes.for_writing(key)
        if not ranked:
            raise UnavailableError("no volume works")
        copied = _restore_extent(ranked, copies, name, source, crc32c)
        for volume in copied:
            right[volume.name].add(name)
        if not copied:
            return False
    return True


def _restore_extent(
    ranked: Sequence[OpenVolume], copies: int, name: str, source: Path, crc32c: int
) -> list[OpenVolume]:
    """The volumes that have it now. Raises StorageFullError when not one finds room, OSError."""
    copied, is_full = list[OpenVolume](), False
    for volume in ranked:
        if len(copied) == copies:
            break
        target = Path(volume.extent_path(name))
        if is_whole(target, crc32c):
            copied.append(volume)
            continue
        if not source.exists():
            continue
        try:
            volume.take_room(source.stat().st_size)
            aside = Path(volume.partial_path(name))
            if copy_extent([source], target, crc32c, aside) is not None:
                copied.append(volume)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            is_full = True
    if is_full and not copied:
        raise StorageFullError(f"no volume has room for {name}")
    return copied


def _set_aside(volume: OpenVolume, right: Set[str], meant: Mapping[str, int]) -> int:
    """Move what the backup does not mean out of the store; how many extents. Raises OSError."""

    def is_right(name: str) -> bool:
        path = Path(volume.extent_path(name))
        return name in right or (name in meant and is_whole(path, meant[name]))

    others = [name for name, _ in volume.scan() if not is_right(name)]
    for name in others:
        (volume.root / ASIDE).mkdir(mode=0o700, exist_ok=True)
        os.rename(volume.extent_path(name), volume.root / ASIDE / os.path.basename(name))
    return len(others)


def _sync(volume: OpenVolume) -> None:
    for path in (volume.root / "extents").iterdir():
        sync_directory(path)
    sync_directory(volume.root / "extents")


def _place_sqlite(catalog: Path, target: Path, now: float) -> int:
    aside = target.with_name(target.name + ".restoring")
    for left in target.parent.glob(f"{aside.name}*"):
        left.unlink()
    # It knows everybody's mail address; whoever restores may have another umask than the origin.
    aside.touch(mode=0o600)
    shutil.copyfile(catalog, aside)
    journal = asyncio.run(_mark(sa.URL.create("sqlite+aiosqlite", database=str(aside)), now))
    with open(aside, "rb") as file:
        os.fsync(file.fileno())
    os.rename(aside, target)
    for left in target.parent.glob(f"{aside.name}-*"):
        left.unlink()
    sync_directory(target.parent)
    return journal


async def _mark(url: sa.URL, now: float) -> int:
    database = await open_database(url)
    try:
        async with database.begin() as connection:
            return await mark_restored(connection, now)
    finally:
        await database.close()
