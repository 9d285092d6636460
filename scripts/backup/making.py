"""One backup: the catalog of one moment, and every extent that it names.

Origins go on meanwhile. First the catalog is copied, then everything it names is held on to, then
copied; what an earlier backup of the folder has already is not copied again. The manifest comes
last.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cdnkit.errors import ConflictError, UnavailableError
from config.topology import OriginNode
from origin.app import volumes_of
from origin.catalog.database import parse_database_url
from origin.store.volumes import Failure, OpenVolume, sync_directory
from scripts.backup.cut import Cut, cut_postgres, cut_sqlite
from scripts.backup.extents import Holding, copy_extent, holding
from scripts.backup.folder import (
    CATALOGS,
    OBJECTS,
    TOPOLOGY,
    BackedUp,
    Manifest,
    digest_of,
    extent_file,
    locked,
    write_manifest,
    write_objects,
)
from scripts.backup.named import Named

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Made:
    """The backup that was made, and how much of it had to be copied."""

    name: str
    manifest: Manifest
    copied_extents: int
    copied_bytes: int


def make_backup(
    node: OriginNode, topology: Path, named: Named, folder: Path, now: float, say: Say
) -> Made:
    """Back up one origin into `folder`. `say` is told what was wrong and did not end it.

    Raises ConflictError, UnavailableError, OSError.
    """
    volumes = () if node.object_store is not None else _volumes(node, say)
    _refuse_overlap(volumes, folder)
    made_at = datetime.fromtimestamp(now, UTC)
    backup = folder / f"{made_at:%Y%m%dT%H%M%SZ}"
    with locked(folder), holding(volumes) as held:
        try:
            backup.mkdir(mode=0o700)
        except FileExistsError as error:
            raise ConflictError(f"{backup} is there already; wait a second") from error
        database, cut = _cut(node, backup)
        lost, copied = _copy_bytes(cut.objects, held, folder) if volumes else ((), (0, 0))
        write_objects(backup, cut.objects)
        shutil.copyfile(topology, backup / TOPOLOGY)
        manifest = Manifest(
            made_at=made_at.isoformat(),
            origin=node.name,
            database=database,
            has_bytes=bool(volumes),
            journal=cut.journal,
            objects=len(cut.objects),
            object_bytes=sum(each.stored.size_bytes for each in cut.objects),
            sha256={
                name: _settled(backup / name) for name in (CATALOGS[database], OBJECTS, TOPOLOGY)
            },
            lost=lost,
            variables=named.variables,
            files=named.files,
        )
        write_manifest(backup, manifest)
        sync_directory(folder)
    return Made(backup.name, manifest, *copied)


def _volumes(node: OriginNode, say: Say) -> tuple[OpenVolume, ...]:
    """The volumes, whose owner goes on using them: nothing is written to them but links."""
    volumes = tuple(OpenVolume(each) for each in volumes_of(node))
    for volume in volumes:
        try:
            volume.check_mounted()
        except (OSError, ValueError) as error:
            volume.failure = Failure(str(error), 0.0)
            say(f"volume {volume.name} is left out: {error}")
    return volumes


def _refuse_overlap(volumes: tuple[OpenVolume, ...], folder: Path) -> None:
    for volume in volumes:
        if folder.resolve().is_relative_to(volume.root.resolve()):
            raise ConflictError(f"{folder} lies on the volume {volume.name}; choose another disk")


def _cut(node: OriginNode, backup: Path) -> tuple[str, Cut]:
    url = parse_database_url(node.database, Path(node.data))
    kind = url.get_backend_name()
    if kind == "postgresql":
        return kind, asyncio.run(cut_postgres(url, backup))
    if not Path(str(url.database)).exists():
        raise UnavailableError(f"there is no catalog at {url.database}")
    return kind, cut_sqlite(Path(str(url.database)), backup)


def _copy_bytes(
    objects: list[BackedUp], held: Holding, folder: Path
) -> tuple[tuple[str, ...], tuple[int, int]]:
    """Keys whose bytes are nowhere; how many extents were copied, and their bytes."""
    wanted = [
        (each.stored.object_id, target, crc32c, held.hold(name))
        for each in objects
        for _, name, crc32c in each.extents()
        if not (target := extent_file(folder, name, crc32c)).exists()
    ]
    lost: dict[str, None] = {}
    extents, size_bytes = 0, 0
    for key, target, crc32c, sources in wanted:
        copied = copy_extent(sources, target, crc32c, target.with_name(target.name + ".new"))
        held.release(sources)
        if copied is None:
            lost[key] = None
        else:
            extents, size_bytes = extents + 1, size_bytes + copied
    for parent in {target.parent for _, target, _, _ in wanted if target.parent.exists()}:
        sync_directory(parent)
    return tuple(lost), (extents, size_bytes)


def _settled(path: Path) -> str:
    """The digest of a file that the disk has."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    path.chmod(0o600)
    return digest_of(path)
