"""One extent made right: bad copies put aside, missing ones made, superfluous ones removed.

Decides from the files alone, whose footers say what they are; when and how fast extents are looked
at is `origin.store.upkeep`. Blocking, in one thread; deleting an object meanwhile is safe, because
a name's lock is held whenever a copy appears or goes.
"""

from __future__ import annotations

import enum
import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from origin.store.copies import Copy
from origin.store.extents import (
    Footer,
    extent_name,
    footer_bytes,
    format_footer,
    is_sound,
    placement_key,
    read_footer,
    read_piece,
)
from origin.store.sums import PIECE_BYTES
from origin.store.volumes import FULL_ERRNOS, OpenVolume, VolumeSet, check_own, sync_directory

log = logging.getLogger(__name__)


class Job(enum.Enum):
    """What is looked for. The more urgent first."""

    REPAIR = "repair"
    REBALANCE = "rebalance"
    SCRUB = "scrub"


@dataclass(slots=True)
class Finding:
    """What was found of one extent and done about it, in copies."""

    extents: int = 0
    read_bytes: int = 0
    bad: int = 0
    repaired: int = 0
    moved: int = 0
    short: int = 0
    lost: int = 0


class MendingCopy(Copy):
    """A copy of a committed extent; its name aside is none that a writer would use."""

    def __init__(self, volume: OpenVolume, name: str) -> None:
        self._mending_path = volume.partial_path(name) + ".mend"
        super().__init__(volume, name)

    def _open(self) -> int:
        self._path = self._mending_path
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)


class Mender:
    """Looks at single extents. `spend` is told of all bytes read; `forget` of copies that went."""

    def __init__(
        self,
        volumes: VolumeSet,
        copies: int,
        *,
        is_writing: Callable[[str, int], bool],
        forget: Callable[[tuple[str, int, int]], None],
    ) -> None:
        self._volumes = volumes
        self._wanted = copies
        self._is_writing = is_writing
        self._forget = forget

    def mend(self, name: str, job: Job, spend: Callable[[int], None]) -> Finding:
        """Do what the job asks for to one extent. Troubles of volumes isolate those.

        Raises UnavailableError when our process has run out of something: what cannot be looked
        at is not missing.
        """
        finding = Finding()
        if not self._is_committed(name):
            return finding
        finding.extents = 1
        good: dict[str, Footer] = {}
        bad: list[OpenVolume] = []
        for volume in self._working():
            footer = self._judge(volume, name, job, spend, finding, bad)
            if footer is not None:
                good[volume.name] = footer
        if not good and bad:
            good = self._rebuild(name, bad, finding)
        if not good:
            # Gone while we looked; or no copy is whole, and then what there is of them stays.
            finding.lost = int(finding.bad > 0)
            return finding
        for volume in bad:
            if volume.name not in good:
                self._set_aside(volume, name, good[next(iter(good))])
        footer = next(iter(good.values()))
        if not self._is_writing(footer.object_id, footer.generation):
            self._bring_to_number(name, footer, list(good), job, spend, finding)
        return finding

    def _working(self) -> list[OpenVolume]:
        return [volume for volume in self._volumes.volumes if volume.failure is None]

    def _is_committed(self, name: str) -> bool:
        first = name.rpartition("-")[0] + "-0"
        return any(os.path.exists(each.extent_path(first)) for each in self._volumes.volumes)

    def _judge(
        self,
        volume: OpenVolume,
        name: str,
        job: Job,
        spend: Callable[[int], None],
        finding: Finding,
        bad: list[OpenVolume],
    ) -> Footer | None:
        """The footer of a copy that can be trusted; None, and one more `bad`, when it cannot."""
        try:
            fd = os.open(volume.extent_path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._volumes.check(volume)
            return None
        except OSError as error:
            check_own(error)
            self._volumes.fail(volume, error)
            return None
        try:
            footer = read_footer(fd)
            if footer is not None and self._is_whole(fd, name, footer):
                if job is not Job.SCRUB and not volume.suspect:
                    return footer
                finding.read_bytes += footer.size_bytes
                if is_sound(fd, footer.object_id, footer.generation, footer.index, spend):
                    return footer
            finding.bad += 1
            bad.append(volume)
        except OSError as error:
            check_own(error)
            self._volumes.fail(volume, error)
        finally:
            os.close(fd)
        return None

    def _is_whole(self, fd: int, name: str, footer: Footer) -> bool:
        size_bytes = footer.size_bytes + footer_bytes(footer.object_id, footer.size_bytes)
        identity = (footer.object_id, footer.generation, footer.index)
        return os.fstat(fd).st_size == size_bytes and extent_name(*identity) == name

    def _set_aside(self, volume: OpenVolume, name: str, footer: Footer) -> None:
        with self._volumes.holding(name):
            if os.path.exists(volume.extent_path(name)):
                volume.set_aside(name)
        self._forget((footer.object_id, footer.generation, footer.index))

    def _rebuild(self, name: str, holders: list[OpenVolume], finding: Finding) -> dict[str, Footer]:
        """Make one good copy of the good pieces of bad ones; nothing when a piece is left out."""
        target = holders[0]
        with ExitStack() as opened:
            fds = []
            for volume in holders:
                with suppress(OSError):
                    fds.append(os.open(volume.extent_path(name), os.O_RDONLY | os.O_CLOEXEC))
                    opened.callback(os.close, fds[-1])
            for footer in _footers(fds, name):
                fill = partial(_gather, footer, fds)
                if self._make(name, target, fill, source=target):
                    finding.repaired += 1
                    self._forget((footer.object_id, footer.generation, footer.index))
                    return {target.name: footer}
        return {}

    def _bring_to_number(
        self,
        name: str,
        footer: Footer,
        holders: list[str],
        job: Job,
        spend: Callable[[int], None],
        finding: Finding,
    ) -> None:
        key = placement_key(footer.object_id, footer.generation, footer.index)
        order = self._volumes.for_writing(key)
        home = [volume.name for volume in order[: self._wanted]]
        if job is Job.REBALANCE:
            missing = [volume for volume in order[: self._wanted] if volume.name not in holders]
        else:
            missing = [volume for volume in order if volume.name not in holders]
        for volume in missing:
            if job is not Job.REBALANCE and len(holders) >= self._wanted:
                break
            if self._copy(name, footer, holders, volume, spend, finding):
                if job is Job.REBALANCE and len(holders) >= self._wanted:
                    finding.moved += 1
                else:
                    finding.repaired += 1
                holders.append(volume.name)
        if job is Job.REBALANCE and set(home) <= set(holders):
            self._trim(name, footer, [each for each in holders if each not in home])
        finding.short = int(len(holders) < self._wanted)

    def _copy(
        self,
        name: str,
        footer: Footer,
        holders: list[str],
        target: OpenVolume,
        spend: Callable[[int], None],
        finding: Finding,
    ) -> bool:
        """Make a copy from the first holder whose bytes are what they should be."""
        for source in [volume for volume in self._working() if volume.name in holders]:
            try:
                fd = os.open(source.extent_path(name), os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                finding.read_bytes += footer.size_bytes
                identity = (footer.object_id, footer.generation, footer.index)
                if is_sound(fd, *identity, spend):
                    return self._make(name, target, partial(_duplicate, fd), source)
                finding.bad += 1
                holders.remove(source.name)
                self._volumes.doubt(name)
            except OSError as error:
                check_own(error)
                self._volumes.fail(source, error)
            finally:
                os.close(fd)
        return False

    def _make(
        self,
        name: str,
        target: OpenVolume,
        fill: Callable[[MendingCopy], bool],
        source: OpenVolume,
    ) -> bool:
        """Let `fill` write a copy, and give it its name if that of `source` is still there."""
        try:
            made = MendingCopy(target, name)
        except OSError as error:
            self._blame(target, error)
            return False
        try:
            with self._volumes.holding(name) if fill(made) else nullcontext():
                if not (made.is_sealed and os.path.exists(source.extent_path(name))):
                    made.remove()  # not to be made, or deleted meanwhile
                    return False
                if source is target:
                    # Over the bad copy in one step: a crash must find one of them.
                    target.give_room(os.stat(target.extent_path(name)).st_size)
                directory = made.publish()
            sync_directory(directory)
        except OSError as error:
            made.remove()
            self._blame(target, error)
            return False
        return True

    def _trim(self, name: str, footer: Footer, holders: list[str]) -> None:
        for volume in self._working():
            if volume.name in holders:
                with self._volumes.holding(name):
                    volume.unlink(name)
        if holders:
            self._forget((footer.object_id, footer.generation, footer.index))

    def _blame(self, volume: OpenVolume, error: OSError) -> None:
        if error.errno in FULL_ERRNOS or error.errno in (errno.EMFILE, errno.ENOMEM):
            log.warning("no copy can be made on volume %s: %s", volume.name, error)
        else:
            self._volumes.fail(volume, error)


def _footers(fds: list[int], name: str) -> Iterator[Footer]:
    """What these files say of themselves, as far as it fits the name."""
    for fd in fds:
        footer = read_footer(fd)
        if footer is not None:
            identity = (footer.object_id, footer.generation, footer.index)
            if extent_name(*identity) == name:
                yield footer


def _gather(footer: Footer, fds: list[int], made: MendingCopy) -> bool:
    """Write each piece from the first file that has it right; False when none has."""
    for piece in range(len(footer.sums)):
        found = (read_piece(fd, footer.sums, footer.size_bytes, piece) for fd in fds)
        data = next((each for each in found if each is not None), None)
        if data is None:
            return False
        made.put(data, piece * PIECE_BYTES)
    made.seal(format_footer(footer), footer.size_bytes)
    return True


def _duplicate(fd: int, made: MendingCopy) -> bool:
    """Write what a file holds, footer included."""
    size_bytes = os.fstat(fd).st_size
    for at in range(0, size_bytes, PIECE_BYTES):
        made.put(os.pread(fd, min(PIECE_BYTES, size_bytes - at), at), at)
    made.seal(b"", size_bytes)
    return True
