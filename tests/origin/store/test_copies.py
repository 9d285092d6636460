"""One extent being written while its volumes fill up, fail or vanish."""

from __future__ import annotations

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

from cdnkit.errors import StorageFullError, UnavailableError
from origin.store.copies import GrowingExtent
from origin.store.extents import is_sound, placement_key
from origin.store.sums import PIECE_BYTES
from origin.store.volumes import OpenVolume, VolumeSet
from tests.helpers.clock import FakeClock
from tests.origin.store.stores import files_of, make_volumes

PIECES = [bytes([n]) * 1000 for n in range(1, 6)]


@pytest.fixture
def volumes(tmp_path: Path) -> VolumeSet:
    made = VolumeSet(make_volumes(tmp_path, 4), tmp_path / "state.json", FakeClock())
    made.open()
    return made


def ranked(volumes: VolumeSet) -> list[OpenVolume]:
    return volumes.for_writing(placement_key("a", 1, 0))


def sound_copies(root: Path) -> list[str]:
    """The volumes that hold a committed, sound copy."""
    found = []
    for path in files_of(root):
        fd = os.open(path, os.O_RDONLY)
        try:
            assert is_sound(fd, "a", 1, 0), path
        finally:
            os.close(fd)
        assert ".partial" not in path.parts
        found.append(path.relative_to(root).parts[0])
    return sorted(found)


def write_all(extent: GrowingExtent, pieces: list[bytes]) -> None:
    for piece in pieces:
        extent.put(piece)
    extent.seal()
    extent.publish()


def test_copies_go_to_the_best_volumes(volumes: VolumeSet, tmp_path: Path) -> None:
    best = sorted(volume.name for volume in ranked(volumes)[:2])
    write_all(GrowingExtent(volumes, "a", 1, 0, 2), PIECES)
    assert sound_copies(tmp_path) == best


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("after", [0, 1, 4, 5])
def test_a_copy_moves_on_when_its_volume_is_full(
    volumes: VolumeSet, tmp_path: Path, copies: int, after: int
) -> None:
    order = ranked(volumes)
    extent = GrowingExtent(volumes, "a", 1, 0, copies)
    for piece in PIECES[:after]:
        extent.put(piece)
    order[0].size_bytes = max(1, order[0].used_bytes)
    write_all(extent, PIECES[after:])
    assert sound_copies(tmp_path) == sorted(volume.name for volume in order[1 : copies + 1])
    assert order[0].failure is None
    assert order[0].used_bytes == 0


def test_no_room_anywhere_leaves_nothing(volumes: VolumeSet, tmp_path: Path) -> None:
    extent = GrowingExtent(volumes, "a", 1, 0, 2)
    extent.put(PIECES[0])
    for volume in volumes.volumes[1:]:
        volume.size_bytes = 1500
    with pytest.raises(StorageFullError):
        write_all(extent, PIECES[1:])
    extent.remove()
    assert files_of(tmp_path) == []
    assert [volume.used_bytes for volume in volumes.volumes] == [0] * 4


def test_a_volume_that_fails_is_isolated_and_its_copy_made_elsewhere(
    volumes: VolumeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ranked(volumes)
    extent = GrowingExtent(volumes, "a", 1, 0, 2)
    extent.put(PIECES[0])
    real = os.fsync

    def fail_once(fd: int) -> None:
        if order[0].failure is None and f"/{order[0].name}/" in os.readlink(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EIO, "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fsync", fail_once)
    write_all(extent, PIECES[1:])
    assert order[0].failure is not None
    assert sound_copies(tmp_path) == sorted(volume.name for volume in order[1:3])


def test_a_vanished_volume_is_isolated_at_the_next_extent(
    volumes: VolumeSet, tmp_path: Path
) -> None:
    order = ranked(volumes)
    shutil.rmtree(order[0].root)
    write_all(GrowingExtent(volumes, "a", 1, 0, 2), PIECES)
    assert order[0].failure is not None
    assert sound_copies(tmp_path) == sorted(volume.name for volume in order[1:3])


def test_fewer_working_volumes_than_copies_are_put_up_with(
    volumes: VolumeSet, tmp_path: Path
) -> None:
    for volume in volumes.volumes[1:]:
        volumes.fail(volume, OSError("bad"))
    write_all(GrowingExtent(volumes, "a", 1, 0, 3), PIECES)
    assert sound_copies(tmp_path) == ["v0"]


def test_no_working_volume_is_an_error_that_may_pass(volumes: VolumeSet) -> None:
    for volume in volumes.volumes:
        volumes.fail(volume, OSError("bad"))
    with pytest.raises(UnavailableError):
        GrowingExtent(volumes, "a", 1, 0, 1)


def test_running_out_of_descriptors_is_no_volumes_fault(
    volumes: VolumeSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnavailableError):
        GrowingExtent(volumes, "a", 1, 0, 1)
    assert volumes.healthy_count() == 4


@pytest.mark.parametrize("failing", [0, 3])
def test_running_out_of_memory_is_no_volumes_fault_to_those_who_write_beside(
    volumes: VolumeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    order = ranked(volumes)
    for volume in order[1 : 1 + failing]:
        volumes.fail(volume, OSError("bad"))
    extent = GrowingExtent(volumes, "a", 1, 0, 1)
    starts = [extent.allot(len(piece)) for piece in PIECES[:2]]
    with monkeypatch.context() as patch:
        fail_writes(patch, order[0], 0, errno.ENOMEM)
        with pytest.raises(UnavailableError):
            extent.put_at(starts[0], PIECES[0])
    with pytest.raises(UnavailableError) if failing else nullcontext():
        extent.put_at(starts[1], PIECES[1])
    assert volumes.healthy_count() == 4 - failing
    extent.remove()
    assert files_of(tmp_path) == []


LONG = [os.urandom(PIECE_BYTES) for _ in range(5)] + [os.urandom(777)]


def fail_writes(monkeypatch: pytest.MonkeyPatch, volume: OpenVolume, after: int, why: int) -> None:
    """Have all writes to files of a volume fail after some."""
    real, left = os.pwrite, [after]

    def write(fd: int, data: Any, offset: int) -> int:
        if f"/{volume.name}/" in os.readlink(f"/proc/self/fd/{fd}"):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(why, os.strerror(why))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", write)


@pytest.mark.parametrize("planned", [None, 5 * PIECE_BYTES + 777, 6 * PIECE_BYTES])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("after", [0, 2, 5, 6])
@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EIO])
def test_pieces_written_at_once_survive_a_volume_that_ends_among_them(
    volumes: VolumeSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    planned: int | None,
    copies: int,
    after: int,
    why: int,
) -> None:
    order = ranked(volumes)
    extent = GrowingExtent(volumes, "a", 1, 0, copies, planned_bytes=planned)
    fail_writes(monkeypatch, order[0], after, why)
    starts = [extent.allot(len(piece)) for piece in LONG]
    told: list[int] = []
    extent.when_written(lambda: told.append(1))
    with ThreadPoolExecutor(len(LONG)) as pool:
        list(pool.map(extent.put_at, reversed(starts), reversed(LONG)))
    assert told == [1]
    extent.seal()
    extent.publish()
    assert sound_copies(tmp_path) == sorted(volume.name for volume in order[1 : copies + 1])
    assert extent.crc32c == google_crc32c.value(b"".join(LONG))
    for path in files_of(tmp_path):
        assert path.read_bytes().startswith(b"".join(LONG))
    sizes = {
        path.relative_to(tmp_path).parts[0]: path.stat().st_size for path in files_of(tmp_path)
    }
    assert {v.name: v.used_bytes for v in order} == {v.name: sizes.get(v.name, 0) for v in order}


def test_all_writes_at_once_fail_when_no_volume_is_left(
    volumes: VolumeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extent = GrowingExtent(volumes, "a", 1, 0, 1)

    def fail(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pwrite", fail)
    starts = [extent.allot(len(piece)) for piece in LONG]
    with ThreadPoolExecutor(len(LONG)) as pool:
        putting = [pool.submit(extent.put_at, *each) for each in zip(starts, LONG, strict=True)]
    assert all(isinstance(each.exception(), UnavailableError) for each in putting)
    extent.remove()
    assert files_of(tmp_path) == []


def test_an_extent_of_known_length_is_refused_before_its_bytes_come(
    volumes: VolumeSet, tmp_path: Path
) -> None:
    order = ranked(volumes)
    order[0].size_bytes = 2 * PIECE_BYTES
    extent = GrowingExtent(volumes, "a", 1, 0, 1, planned_bytes=3 * PIECE_BYTES)
    assert [path.relative_to(tmp_path).parts[0] for path in files_of(tmp_path)] == [order[1].name]
    assert order[0].used_bytes == 0
    for volume in order:
        volume.size_bytes = 2 * PIECE_BYTES
    extent.remove()
    with pytest.raises(StorageFullError):
        GrowingExtent(volumes, "a", 1, 0, 1, planned_bytes=3 * PIECE_BYTES)
    assert files_of(tmp_path) == []
    assert [volume.used_bytes for volume in order] == [0] * 4


def test_extents_whose_pieces_cross_mebibytes_have_the_right_sums(
    volumes: VolumeSet, tmp_path: Path
) -> None:
    whole = b"".join(LONG)
    cuts = [0, 700_000, 700_001, 1_700_000, 4 * PIECE_BYTES, len(whole)]
    write_all(
        GrowingExtent(volumes, "a", 1, 0, 1),
        [whole[start:stop] for start, stop in pairwise(cuts)],
    )
    assert len(sound_copies(tmp_path)) == 1


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EMFILE])
def test_an_extent_that_cannot_be_begun_leaves_nothing(
    volumes: VolumeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    order = ranked(volumes)
    real = os.open

    def open_file(path: str, flags: int, mode: int = 0o777) -> int:
        if "/.partial/" in path and not path.startswith(str(order[0].root)):
            raise OSError(why, os.strerror(why))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", open_file)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(StorageFullError if why == errno.ENOSPC else UnavailableError):
        GrowingExtent(volumes, "a", 1, 0, 2, planned_bytes=3 * PIECE_BYTES)
    assert os.listdir("/proc/self/fd") == before
    assert files_of(tmp_path) == []
    assert [volume.used_bytes for volume in order] == [0] * 4


@pytest.mark.parametrize("copies", [1, 2])
def test_a_copy_is_made_of_nothing_but_what_was_written(
    volumes: VolumeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    """A disk whose sync failed may have dropped pages: zeros lie there, set aside before."""
    order = ranked(volumes)
    extent = GrowingExtent(volumes, "a", 1, 0, copies, planned_bytes=sum(map(len, LONG)))
    real = os.fsync

    def lose(fd: int) -> None:
        path = os.readlink(f"/proc/self/fd/{fd}")
        if not path.startswith(str(order[0].root)):
            return real(fd)
        with open(path, "r+b") as file:
            file.seek(2 * PIECE_BYTES)
            file.write(bytes(4096))
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", lose)
    if copies == 1:
        with pytest.raises(UnavailableError):
            write_all(extent, LONG)
        extent.remove()
        assert files_of(tmp_path) == []
    else:
        write_all(extent, LONG)
        assert sound_copies(tmp_path) == sorted(volume.name for volume in order[1:3])


def test_a_copy_that_finds_no_room_for_its_name_leaves_nothing(
    volumes: VolumeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ranked(volumes)
    real = os.rename

    def rename(source: str, target: str) -> None:
        if source.startswith(str(order[0].root)):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    write_all(GrowingExtent(volumes, "a", 1, 0, 2), PIECES)
    assert sound_copies(tmp_path) == [order[1].name]
    assert order[0].used_bytes == 0
    assert volumes.degraded_writes == 1
