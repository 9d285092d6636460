"""One extent being written while its volumes fill up, fail or vanish."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from cdnkit.errors import StorageFullError, UnavailableError
from origin.store.copies import GrowingExtent
from origin.store.extents import is_sound, placement_key
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
