"""Volumes: what isolates one, what is remembered, what a crash leaves, how room is counted."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cdnkit.errors import UnavailableError
from origin.store.volumes import OWN_ERRNOS, Failure, VolumeSet
from tests.helpers.clock import FakeClock
from tests.origin.store.stores import make_volumes


def open_set(root: Path, count: int, clock: FakeClock | None = None) -> VolumeSet:
    volumes = VolumeSet(make_volumes(root, count), root / "state.json", clock or FakeClock(5.0))
    volumes.open()
    return volumes


def failing(volumes: VolumeSet) -> list[str]:
    return [state.name for state in volumes.states() if state.failure is not None]


def test_a_failure_is_remembered_with_reason_and_time_until_readmitted(tmp_path: Path) -> None:
    clock = FakeClock(5.0)
    volumes = open_set(tmp_path, 2, clock)
    volumes.fail(volumes.volumes[1], OSError("bad sectors"))
    clock.advance(10)
    volumes.fail(volumes.volumes[1], OSError("later and lesser"))
    again = open_set(tmp_path, 2, clock)
    assert again.states()[1].failure == Failure("bad sectors", 5.0)
    again.readmit("v1")
    assert failing(again) == []
    assert again.volumes[1].suspect
    assert failing(open_set(tmp_path, 2, clock)) == []


def test_a_known_volume_that_is_not_mounted_is_not_written_to(tmp_path: Path) -> None:
    open_set(tmp_path, 2)
    shutil.rmtree(tmp_path / "v0")
    (tmp_path / "v0").mkdir()
    volumes = open_set(tmp_path, 2)
    assert failing(volumes) == ["v0"]
    assert list((tmp_path / "v0").iterdir()) == []


def test_a_volume_that_vanishes_is_isolated_though_nobody_reads_it(tmp_path: Path) -> None:
    volumes = open_set(tmp_path, 2)
    (tmp_path / "v1").rename(tmp_path / "away")
    volumes.check_working()
    assert failing(volumes) == ["v1"]
    assert volumes.shortages > 0


def test_the_disk_of_another_volume_is_not_taken(tmp_path: Path) -> None:
    open_set(tmp_path, 1)
    config = replace(make_volumes(tmp_path, 1)[0], name="other")
    volumes = VolumeSet([config], tmp_path / "new-state.json", FakeClock())
    volumes.open()
    assert failing(volumes) == ["other"]
    assert volumes.for_writing(b"key") == []


def test_a_volume_that_still_fails_is_not_readmitted(tmp_path: Path) -> None:
    volumes = open_set(tmp_path, 2)
    volumes.fail(volumes.volumes[0], OSError("gone"))
    shutil.rmtree(tmp_path / "v0")
    (tmp_path / "v0").write_text("a file in the way")
    with pytest.raises(OSError, match="exists"):
        volumes.readmit("v0")
    assert failing(volumes) == ["v0"]
    with pytest.raises(KeyError):
        volumes.readmit("v9")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"known": 3}', '{"known":[],"failing":{"v0":1}}'])
def test_a_spoilt_state_file_loses_the_past_and_no_more(tmp_path: Path, text: str) -> None:
    open_set(tmp_path, 2)
    (tmp_path / "state.json").write_text(text)
    assert failing(open_set(tmp_path, 2)) == []
    assert json.loads((tmp_path / "state.json").read_text())["known"] == ["v0", "v1"]


def test_names_must_differ(tmp_path: Path) -> None:
    config = make_volumes(tmp_path, 1)
    for volumes in ([], config * 2):
        with pytest.raises(ValueError, match="distinct names"):
            VolumeSet(volumes, tmp_path / "state.json", FakeClock())


def test_failing_volumes_are_read_last_and_not_written(tmp_path: Path) -> None:
    volumes = open_set(tmp_path, 4)
    first = volumes.for_writing(b"key")[0]
    assert volumes.for_reading(b"key")[0] is first
    volumes.fail(first, OSError("bad"))
    assert first not in volumes.for_writing(b"key")
    assert volumes.for_reading(b"key")[-1] is first
    assert volumes.healthy_count() == 3


def test_a_volume_without_weight_is_still_read(tmp_path: Path) -> None:
    configs = make_volumes(tmp_path, 2)
    volumes = VolumeSet(
        [replace(configs[0], weight=0.0), configs[1]], tmp_path / "state.json", FakeClock()
    )
    volumes.open()
    assert [volume.name for volume in volumes.for_writing(b"key")] == ["v1"]
    assert [volume.name for volume in volumes.for_reading(b"key")] == ["v1", "v0"]


def test_the_first_copies_lie_in_different_domains(tmp_path: Path) -> None:
    configs = [
        replace(config, domain="shelf-a" if n < 3 else "shelf-b")
        for n, config in enumerate(make_volumes(tmp_path, 4))
    ]
    volumes = VolumeSet(configs, tmp_path / "state.json", FakeClock())
    volumes.open()
    for n in range(20):
        first, second, *_ = volumes.for_writing(b"%d" % n)
        assert {first.node.domain, second.node.domain} == {"shelf-a", "shelf-b"}


def test_room_is_what_quota_and_file_system_leave(tmp_path: Path) -> None:
    config = replace(make_volumes(tmp_path, 1)[0], size_bytes=1000)
    volumes = VolumeSet([config], tmp_path / "state.json", FakeClock())
    volumes.open()
    volume = volumes.volumes[0]
    volume.take_room(900)
    assert volume.room_bytes() == 100
    with pytest.raises(OSError, match="full") as caught:
        volume.take_room(101)
    assert caught.value.errno == errno.ENOSPC
    volume.give_room(1)
    volume.take_room(101)
    volume.reserve_bytes = 1 << 60
    assert volume.room_bytes() == 0


def test_what_a_crash_left_is_swept_and_the_rest_counted(tmp_path: Path) -> None:
    open_set(tmp_path, 2)
    (tmp_path / "v0/.partial/half").write_bytes(b"half")
    kept = {"v0": ["aa/whole-1-0"], "v1": ["aa/whole-1-1"]}
    rubbish = {"v0": ["bb/torn-1-2"], "v1": ["bb/torn-1-1"]}
    for names in (kept, rubbish):
        for volume, extents in names.items():
            for extent in extents:
                path = tmp_path / volume / "extents" / extent
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"12345")
    volumes = open_set(tmp_path, 2)
    assert [state.used_bytes for state in volumes.states()] == [5, 5]
    assert not list(tmp_path.glob("*/.partial/*"))
    assert not list(tmp_path.glob("*/extents/bb/*"))
    assert len(list(tmp_path.glob("*/extents/aa/*"))) == 2


def test_nothing_is_swept_as_torn_while_its_head_may_be_on_a_failing_volume(
    tmp_path: Path,
) -> None:
    volumes = open_set(tmp_path, 2)
    volumes.fail(volumes.volumes[0], OSError("bad"))
    path = tmp_path / "v1/extents/aa/film-1-1"
    path.parent.mkdir()
    path.write_bytes(b"12345")
    open_set(tmp_path, 2)
    assert path.exists()


@pytest.mark.parametrize("why", sorted(OWN_ERRNOS))
def test_what_our_process_lacks_is_no_volumes_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    volumes = open_set(tmp_path, 2)

    def refuse(volume: object) -> None:
        raise OSError(why, os.strerror(why))

    with monkeypatch.context() as patch:
        patch.setattr(type(volumes.volumes[0]), "check_mounted", refuse)
        volumes.check_working()
        with pytest.raises(UnavailableError):
            open_set(tmp_path, 2)
    assert failing(volumes) == failing(open_set(tmp_path, 2)) == []


def test_nothing_is_swept_as_torn_when_a_volume_could_not_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_set(tmp_path, 2)
    for path in ("v0/extents/aa/film-1-0", "v1/extents/aa/film-1-1"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(b"12345")
    real = os.scandir

    def scan(path: Path) -> object:
        if str(path).startswith(str(tmp_path / "v0/extents")):
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scan)
        with pytest.raises(UnavailableError):
            open_set(tmp_path, 2)
    assert [state.used_bytes for state in open_set(tmp_path, 2).states()] == [5, 5]
