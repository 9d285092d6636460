"""Copies that outlive the process: found again, cut back, never trusted unseen."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import google_crc32c
import pytest

from cdnkit.errors import NotFoundError, StorageFullError, UnavailableError
from origin.store.extents import extent_name
from origin.store.kept_extents import (
    KeptExtent,
    drop,
    kept_files,
    kept_path,
    sync_duplicates,
    take_up,
)
from origin.store.volumes import VolumeSet
from tests.origin.store.stores import make_volumes

IDENTITY = ("a", 1, 0)
NAME = extent_name(*IDENTITY)


@pytest.fixture
def volumes(tmp_path: Path) -> VolumeSet:
    made = VolumeSet(make_volumes(tmp_path, 3), tmp_path / "state.json", lambda: 0.0)
    made.open()
    return made


@contextmanager
def one_descriptor_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only one more file can be opened."""
    real, left = os.open, [1]

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, flags, mode)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        yield


def again(volumes: VolumeSet, size_bytes: int, data: bytes) -> KeptExtent:
    crc32c = google_crc32c.value(data[:size_bytes])
    return take_up(volumes, IDENTITY, 2, size_bytes=size_bytes, crc32c=crc32c)


def begun(volumes: VolumeSet, data: bytes) -> None:
    extent = KeptExtent(volumes, *IDENTITY, 2)
    extent.put(data)
    duplicates = extent.duplicates()
    assert len(duplicates) == 2
    sync_duplicates(volumes, duplicates)
    extent.let_go()


def paths(volumes: VolumeSet) -> list[Path]:
    return [Path(kept_path(volume, name)) for volume, name, _ in kept_files(volumes)]


def test_an_extent_goes_on_from_any_of_its_bytes(volumes: VolumeSet) -> None:
    begun(volumes, b"0123456789")
    extent = again(volumes, 4, b"0123456789")
    extent.put(b"xyz")
    extent.seal()
    assert extent.crc32c == google_crc32c.value(b"0123xyz")
    assert [path.read_bytes()[:7] for path in paths(volumes)] == [b"0123xyz"] * 2


def test_a_copy_that_is_short_or_spoilt_is_made_anew_from_the_other(volumes: VolumeSet) -> None:
    for spoil in (b"0123", b"x123456789"):
        begun(volumes, b"0123456789")
        bad, good = paths(volumes)
        bad.write_bytes(spoil)
        again(volumes, 8, b"0123456789").let_go()
        assert sorted(path.read_bytes()[:8] for path in paths(volumes)) == [b"01234567"] * 2
        assert good.exists()


def test_lost_bytes_are_told_apart_from_a_failing_volume(volumes: VolumeSet) -> None:
    begun(volumes, b"0123456789")
    for path in paths(volumes):
        path.unlink()
    with pytest.raises(NotFoundError):
        again(volumes, 8, b"0123456789")
    volumes.fail(volumes.volumes[0], OSError("gone"))
    with pytest.raises(UnavailableError):
        again(volumes, 8, b"0123456789")


def test_what_a_crash_left_is_begun_anew(volumes: VolumeSet) -> None:
    begun(volumes, b"0123456789")
    extent = KeptExtent(volumes, *IDENTITY, 2)
    extent.put(b"new")
    extent.let_go()
    assert [path.read_bytes() for path in paths(volumes)] == [b"new"] * 2
    assert sum(volume.used_bytes for volume in volumes.volumes) == 6


def test_dropping_gives_the_room_back(volumes: VolumeSet) -> None:
    begun(volumes, b"0123456789")
    for volume in volumes.volumes:
        drop(volume, NAME)
        drop(volume, NAME)
    assert not paths(volumes)
    assert sum(volume.used_bytes for volume in volumes.volumes) == 0


def test_nothing_is_durable_when_no_volume_could_sync(volumes: VolumeSet) -> None:
    extent = KeptExtent(volumes, *IDENTITY, 1)
    extent.put(b"abc")
    ((copy, fd),) = extent.duplicates()
    reading, writing = os.pipe()  # what cannot be synced
    os.dup2(writing, fd)
    with pytest.raises(UnavailableError):
        sync_duplicates(volumes, [(copy, fd)])
    for each in (reading, writing):
        os.close(each)
    extent.let_go()
    assert copy.volume.failure is not None


def test_an_extent_that_cannot_go_on_is_let_go_and_stays(volumes: VolumeSet) -> None:
    begun(volumes, b"0123456789")
    paths(volumes)[0].unlink()
    (left,) = paths(volumes)
    for volume in volumes.volumes:
        volume.size_bytes = 1
    before = os.listdir("/proc/self/fd")
    with pytest.raises(StorageFullError):
        again(volumes, 8, b"0123456789")
    assert os.listdir("/proc/self/fd") == before
    assert left.read_bytes() == b"01234567"


def test_a_copy_goes_only_when_another_is_as_durable(
    volumes: VolumeSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    extent = KeptExtent(volumes, *IDENTITY, 1)
    extent.put(b"0123456789")
    sync_duplicates(volumes, extent.duplicates())
    (old,) = paths(volumes)
    full = next(volume for volume in volumes.volumes if f"/{volume.name}/" in str(old))
    full.size_bytes = 1
    real, synced = os.fdatasync, []

    def sync(fd: int) -> None:
        assert old.exists()
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    extent.put(b"abc")
    (new,) = paths(volumes)
    assert synced == [str(new)] != [str(old)]
    assert new.read_bytes() == b"0123456789abc"
    extent.let_go()


def test_an_extent_that_cannot_be_begun_keeps_no_descriptor(
    volumes: VolumeSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(volumes, b"0123456789")
    before = os.listdir("/proc/self/fd")
    with one_descriptor_left(monkeypatch), pytest.raises(UnavailableError):
        KeptExtent(volumes, *IDENTITY, 2)
    assert os.listdir("/proc/self/fd") == before


def test_running_out_of_descriptors_loses_no_bytes_and_blames_no_volume(
    volumes: VolumeSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(volumes, b"0123456789")
    before = os.listdir("/proc/self/fd")
    with one_descriptor_left(monkeypatch), pytest.raises(UnavailableError):
        again(volumes, 8, b"0123456789")
    assert os.listdir("/proc/self/fd") == before
    assert volumes.healthy_count() == 3
    again(volumes, 8, b"0123456789").let_go()
