"""The volumes of a store: which exist, which are failing and since when, and how much room is left.

Decides the order in which volumes are asked for an extent and remembers failures across restarts;
what is written on a volume is `origin.store.copies`. Everything here may block and is called from
the store's threads, so state that changes is guarded by one lock.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cdnkit.errors import UnavailableError
from cdnkit.placement import Node, place
from config.topology import Volume

EXTENTS_DIR: Final = "extents"
PARTIAL_DIR: Final = ".partial"
DAMAGED_DIR: Final = "damaged"
MARKER_NAME: Final = "volume.json"
NAME_LOCKS: Final = 64

FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
OWN_ERRNOS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR})
"""Errors that say nothing about the disk: our process has run out of something."""

log = logging.getLogger(__name__)


def check_own(error: Exception) -> None:
    """Raise UnavailableError when our process, and not a disk, has run out of something."""
    if _is_own(error):
        raise UnavailableError(f"out of descriptors or memory: {error}") from error


def _is_own(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in OWN_ERRNOS


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a volume is isolated, and since when."""

    reason: str
    since: float


@dataclass(frozen=True, slots=True)
class VolumeState:
    """What operators see of a volume."""

    name: str
    path: str
    used_bytes: int
    size_bytes: int
    failure: Failure | None


class OpenVolume:
    """One volume in use. `suspect`: its copies are verified before they are read."""

    def __init__(self, config: Volume) -> None:
        self.name = config.name
        self.root = Path(config.path)
        self.node = Node(config.name, config.weight, config.domain)
        self.size_bytes = config.size_bytes
        self.reserve_bytes = config.reserve_bytes
        self.used_bytes = 0
        self.failure: Failure | None = None
        self.suspect = False
        self._lock = threading.Lock()

    def extent_path(self, name: str) -> str:
        """Where a committed extent of this name lies."""
        return f"{self.root}/{EXTENTS_DIR}/{name}"

    def partial_path(self, name: str) -> str:
        """Where an extent of this name is written until it is committed."""
        return f"{self.root}/{PARTIAL_DIR}/{os.path.basename(name)}"

    def room_bytes(self) -> int:
        """How many bytes may still be written here. Raises OSError."""
        status = os.statvfs(self.root)
        room = status.f_bavail * status.f_frsize - self.reserve_bytes
        if self.size_bytes:
            room = min(room, self.size_bytes - self.used_bytes)
        return max(0, room)

    def take_room(self, size_bytes: int) -> None:
        """Count bytes about to be written. Raises OSError, with ENOSPC when there is no room."""
        with self._lock:
            if self.room_bytes() < size_bytes:
                raise OSError(errno.ENOSPC, f"volume {self.name} is full")
            self.used_bytes += size_bytes

    def give_room(self, size_bytes: int) -> None:
        """Count bytes that are gone."""
        with self._lock:
            self.used_bytes = max(0, self.used_bytes - size_bytes)

    def check_mounted(self) -> None:
        """Raise OSError unless the directory is the volume it should be."""
        with open(self.root / MARKER_NAME, encoding="utf-8") as file:
            found = json.load(file)
        if not isinstance(found, dict) or found.get("volume") != self.name:
            raise OSError(errno.EINVAL, f"{self.root} is not volume {self.name}: {found!r:.80}")

    def initialise(self) -> None:
        """Make the directories of a new volume. Raises OSError, also for another volume's disk."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / MARKER_NAME).exists():
            write_json(self.root / MARKER_NAME, {"volume": self.name})
        self.check_mounted()
        for name in (EXTENTS_DIR, DAMAGED_DIR):
            (self.root / name).mkdir(exist_ok=True)
        sync_directory(self.root)

    def unlink(self, name: str) -> None:
        """Remove a committed extent; nothing happens when it is gone or cannot be removed now."""
        path = self.extent_path(name)
        try:
            size_bytes = os.stat(path).st_size
            os.unlink(path)
        except OSError as error:
            if error.errno != errno.ENOENT:
                log.warning("%s stays on volume %s: %s", name, self.name, error)
            return
        self.give_room(size_bytes)

    def set_aside(self, name: str) -> None:
        """Keep a damaged copy out of the way of readers, as evidence. Raises OSError."""
        path = self.extent_path(name)
        size_bytes = os.stat(path).st_size
        os.rename(path, self.root / DAMAGED_DIR / os.path.basename(name))
        self.give_room(size_bytes)
        log.error("extent %s on volume %s is damaged and set aside", name, self.name)

    def sweep(self) -> None:
        """Remove what a crash left unfinished. Raises OSError."""
        shutil.rmtree(self.root / PARTIAL_DIR, ignore_errors=True)
        (self.root / PARTIAL_DIR).mkdir(exist_ok=True)

    def scan(self) -> Iterator[tuple[str, int]]:
        """Every committed extent file: its name below `extents/`, its length. Raises OSError."""
        with os.scandir(self.root / EXTENTS_DIR) as folders:
            for folder in folders:
                with os.scandir(folder.path) as files:
                    for file in files:
                        yield f"{folder.name}/{file.name}", file.stat().st_size


class VolumeSet:
    """All volumes of a store, in the order of their configuration."""

    def __init__(
        self, volumes: Sequence[Volume], state_path: Path, clock: Callable[[], float]
    ) -> None:
        if len({volume.name for volume in volumes}) != len(volumes) or not volumes:
            raise ValueError("volumes need distinct names, and there must be one at least")
        self.volumes = [OpenVolume(volume) for volume in volumes]
        self._by_name = {volume.name: volume for volume in self.volumes}
        self._nodes = [volume.node for volume in self.volumes]
        self._state_path = state_path
        self._clock = clock
        self._known: set[str] = set()
        self._undeleted: dict[str, list[str]] = {}
        self._lock = threading.Lock()
        self._doubted: set[str] = set()
        self._missed: set[str] = set()
        self._name_locks = [threading.Lock() for _ in range(NAME_LOCKS)]
        self.degraded_writes = 0
        self.shortages = 0
        """Grows whenever there may be fewer copies than wanted, or copies nobody asked about."""

    def open(self) -> None:
        """Take up what was remembered, isolate what is not usable, count what is there.

        Raises UnavailableError when our process has run out of something.
        """
        self._load()
        for volume in self.volumes:
            try:
                if volume.name in self._known:
                    volume.check_mounted()
                if volume.failure is None:
                    volume.initialise()
                    volume.sweep()
                self._known.add(volume.name)
            except (OSError, ValueError) as error:
                check_own(error)
                self.fail(volume, error)
        self._count()
        self._save()

    def for_writing(self, key: bytes) -> list[OpenVolume]:
        """Working volumes for copies of an extent, best first, one domain after the other."""
        nodes = [volume.node for volume in self.volumes if volume.failure is None]
        return [self._by_name[node.name] for node in place(key, nodes, len(nodes))]

    def for_reading(self, key: bytes) -> list[OpenVolume]:
        """All volumes, the likeliest first; an extent written to other volumes is found, too.

        Failing ones come last: one bad sector need not make the others unreadable. So do those of
        weight 0, which take nothing new.
        """
        placed = [self._by_name[node.name] for node in place(key, self._nodes, len(self._nodes))]
        rest = [volume for volume in self.volumes if volume not in placed]
        return sorted(placed + rest, key=lambda volume: volume.failure is not None)

    def holding(self, name: str) -> threading.Lock:
        """To be held while a committed copy of this extent appears or goes."""
        return self._name_locks[hash(name) % NAME_LOCKS]

    def unlink(self, name: str) -> None:
        """Remove all copies of an extent; one on a failing volume goes when that is readmitted."""
        with self.holding(name):
            for volume in self.volumes:
                volume.unlink(name)
                if volume.failure is not None:
                    self._undeleted.setdefault(volume.name, []).append(name)

    def save_undeleted(self) -> None:
        """Remember across a restart what failing volumes still have to forget."""
        if self._undeleted:
            self._save()

    def note_degraded(self) -> None:
        """Count an extent that was written with fewer copies than wanted: to be repaired."""
        with self._lock:
            self.degraded_writes += 1
            self.shortages += 1

    def doubt(self, name: str) -> None:
        """A reader found a copy of this extent wrong: all of them are to be looked at."""
        with self._lock:
            if name not in self._doubted:
                self._doubted.add(name)
                self.shortages += 1

    def note_missed(self, name: str) -> None:
        """A reader found no copy of this extent where one belongs: it may not be the only one."""
        with self._lock:
            if name not in self._missed:
                self._missed.add(name)
                self.shortages += 1

    def forget_missed(self) -> None:
        """Copies were made: what is missed from now on is news. Until then it is not: a volume
        that is full stays without its copies, however often they are missed."""
        with self._lock:
            self._missed.clear()

    def take_doubted(self) -> frozenset[str]:
        """The extents doubted since the last time."""
        with self._lock:
            doubted, self._doubted = frozenset(self._doubted), set()
        return doubted

    def healthy_count(self) -> int:
        """How many volumes work."""
        return sum(volume.failure is None for volume in self.volumes)

    def fail(self, volume: OpenVolume, error: Exception) -> None:
        """Isolate a volume, and remember it, unless the error says nothing about it.

        The first reason is kept.
        """
        if _is_own(error):
            log.error("volume %s is not to blame: %s", volume.name, error)
            return
        with self._lock:
            if volume.failure is not None:
                return
            volume.failure = Failure(str(error) or type(error).__name__, self._clock())
            self.shortages += 1
        log.error("volume %s is isolated: %s", volume.name, volume.failure.reason)
        self._save()

    def check(self, volume: OpenVolume) -> None:
        """Isolate a volume whose directory has vanished."""
        try:
            volume.check_mounted()
        except (OSError, ValueError) as error:
            self.fail(volume, error)

    def check_working(self) -> None:
        """Isolate every volume that has vanished: files held open would hide it from readers."""
        for volume in self.volumes:
            if volume.failure is None:
                self.check(volume)

    def readmit(self, name: str) -> None:
        """Use a volume again after repair; its copies are verified before they are read.

        Raises KeyError for an unknown name, OSError when it still does not work.
        """
        volume = self._by_name[name]
        if volume.failure is None:
            return
        volume.initialise()
        volume.sweep()
        for extent in self._undeleted.get(name, ()):
            volume.unlink(extent)
        self._undeleted.pop(name, None)
        volume.used_bytes = sum(size_bytes for _, size_bytes in volume.scan())
        volume.suspect = True
        volume.failure = None
        self.shortages += 1
        self._save()

    def states(self) -> tuple[VolumeState, ...]:
        """What operators see."""
        return tuple(
            VolumeState(
                volume.name,
                str(volume.root),
                volume.used_bytes,
                volume.size_bytes,
                volume.failure,
            )
            for volume in self.volumes
        )

    def _count(self) -> None:
        """Add up each volume's bytes and remove extents of objects that were never committed.

        Extent 0 is renamed last at commit and unlinked first at deletion, so an object without one
        is rubbish; unless a volume is failing, which may hold it.
        """
        committed: set[str] = set()
        others: list[tuple[OpenVolume, str, int]] = []
        for volume in self.volumes:
            if volume.failure is not None:
                continue
            try:
                for name, size_bytes in volume.scan():
                    volume.used_bytes += size_bytes
                    object_name, _, index = name.rpartition("-")
                    if index == "0":
                        committed.add(object_name)
                    else:
                        others.append((volume, name, size_bytes))
            except OSError as error:
                check_own(error)
                self.fail(volume, error)
        if self.healthy_count() < len(self.volumes):
            return
        for volume, name, size_bytes in others:
            if name.rpartition("-")[0] not in committed:
                os.unlink(volume.extent_path(name))
                volume.give_room(size_bytes)

    def _load(self) -> None:
        try:
            state = json.loads(self._state_path.read_text(encoding="utf-8"))
            known = set(state["known"])
            failing = {
                name: Failure(str(failure["reason"]), float(failure["since"]))
                for name, failure in state["failing"].items()
            }
            undeleted = {
                str(name): [str(extent) for extent in extents]
                for name, extents in state.get("undeleted", {}).items()
            }
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("what was known of the volumes is lost, all are tried again: %s", error)
            return
        self._known, self._undeleted = known, undeleted
        for volume in self.volumes:
            volume.failure = failing.get(volume.name)

    def _save(self) -> None:
        failing = {
            volume.name: {"reason": volume.failure.reason, "since": volume.failure.since}
            for volume in self.volumes
            if volume.failure is not None
        }
        try:
            with self._lock:
                self._state_path.parent.mkdir(parents=True, exist_ok=True)
                state = {
                    "known": sorted(self._known),
                    "failing": failing,
                    "undeleted": self._undeleted,
                }
                write_json(self._state_path, state)
        except OSError as error:
            log.error("the state of the volumes could not be saved: %s", error)


def sync_directory(path: Path | str) -> None:
    """Make the names in a directory durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_json(path: Path, value: Any) -> None:
    """Replace a small file durably, whole or not at all. Raises OSError."""
    aside = path.with_name(path.name + ".new")
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
    sync_directory(path.parent)
