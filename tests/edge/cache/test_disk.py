from __future__ import annotations

import errno
import json
import os
import resource
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.cache.disk import CorruptBlockError, Disk, home_of

OBJECT = "ab" + "0" * 30
CONTENT = bytes(range(256)) * 8


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "cache", 1 << 20)
    disk.prepare()
    yield disk
    disk.threads.shutdown()


def _write(disk: Disk, block: int = 0, content: bytes = CONTENT) -> Path:
    disk.write_block(OBJECT, "v1", block, memoryview(content))
    return Path(disk.block_path(OBJECT, "v1", block))


def _aside(disk: Disk) -> list[Path]:
    return list((disk.path / "aside").iterdir())


@given(content=st.binary(max_size=5000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_block_reads_as_it_was_written(disk: Disk, content: bytes) -> None:
    written = disk.write_block(OBJECT, "v1", 3, memoryview(content))
    for file in (
        written,
        disk.open_block(OBJECT, "v1", 3),
        disk.verify_block(OBJECT, "v1", 3, len(content)),
    ):
        assert os.pread(file.fd, len(content), 0) == content
    assert _aside(disk) == []


def test_any_changed_byte_of_a_block_is_found(disk: Disk) -> None:
    path = _write(disk, content=CONTENT[:300])
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(CorruptBlockError, match="checksum"):
            disk.verify_block(OBJECT, "v1", 0, 300)
    path.write_bytes(good)
    disk.verify_block(OBJECT, "v1", 0, 300)


@pytest.mark.parametrize("change", [-300, -17, -16, -1, 1, 100])
def test_a_block_of_another_length_is_found(disk: Disk, change: int) -> None:
    path = _write(disk)
    good = path.read_bytes()
    path.write_bytes(good[:change] if change < 0 else good + bytes(change))
    with pytest.raises(CorruptBlockError, match="length"):
        disk.verify_block(OBJECT, "v1", 0, len(CONTENT))


def test_a_block_is_checked_against_the_length_that_is_asked_for(disk: Disk) -> None:
    _write(disk)
    for size_bytes in (len(CONTENT) - 1, len(CONTENT) + 1, 0):
        with pytest.raises(CorruptBlockError):
            disk.verify_block(OBJECT, "v1", 0, size_bytes)


def test_a_block_that_is_not_there_is_an_error_of_the_system(disk: Disk) -> None:
    with pytest.raises(FileNotFoundError):
        disk.open_block(OBJECT, "v1", 0)
    with pytest.raises(FileNotFoundError):
        disk.verify_block(OBJECT, "v1", 0, 1)


def test_who_reads_a_block_keeps_it_when_it_is_replaced_or_removed(disk: Disk) -> None:
    _write(disk)
    old = disk.open_block(OBJECT, "v1", 0)
    _write(disk, content=b"new")
    disk.remove_block(OBJECT, "v1", 0)
    disk.remove_block(OBJECT, "v1", 0)
    assert os.pread(old.fd, len(CONTENT), 0) == CONTENT


def test_nothing_is_left_of_a_block_that_could_not_be_put_in_place(disk: Disk) -> None:
    (disk.path / OBJECT[:2]).write_bytes(b"in the way")
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Not a directory"):
        _write(disk)
    with pytest.raises(OSError, match="Not a directory"):
        disk.write_entry(OBJECT, {})
    assert _aside(disk) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_block_written_in_part_is_a_full_disk_and_leaves_nothing(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_some(descriptor: int, parts: list[memoryview]) -> int:
        return os.write(descriptor, bytes(parts[0])[:10])

    monkeypatch.setattr(os, "writev", write_some)
    with pytest.raises(OSError, match="10 bytes") as error:
        _write(disk)
    assert error.value.errno == errno.ENOSPC
    assert _aside(disk) == []
    assert not Path(disk.block_path(OBJECT, "v1", 0)).exists()


def test_an_entry_replaces_the_one_before(disk: Disk) -> None:
    disk.write_entry(OBJECT, {"a": 1})
    disk.write_entry(OBJECT, {"a": 2})
    assert [found.entry for found in disk.scan()] == [{"a": 2}]


def test_an_object_is_found_again_with_its_blocks(disk: Disk) -> None:
    disk.write_entry(OBJECT, {"key": "/a"})
    for version, block in (("v1", 0), ("v1", 12), ("v2", 3)):
        disk.write_block(OBJECT, version, block, memoryview(b"x"))
    (found,) = disk.scan()
    assert (found.object_id, found.entry) == (OBJECT, {"key": "/a"})
    assert {version: sorted(blocks) for version, blocks in found.blocks.items()} == {
        "v1": [0, 12],
        "v2": [3],
    }


@pytest.mark.parametrize("entry", [b"", b"{", b"[1]", b"null", b"\xff", b"[" * 100_000, None])
def test_an_object_without_a_readable_entry_is_removed(disk: Disk, entry: bytes | None) -> None:
    path = _write(disk)
    if entry is not None:
        (path.parent / "entry").write_bytes(entry)
    assert list(disk.scan()) == []
    assert not path.parent.exists()


def test_what_is_no_object_is_removed_from_the_shelves_and_only_there(disk: Disk) -> None:
    disk.write_entry(OBJECT, {"a": 1})
    home = Path(disk.block_path(OBJECT, "v1", 0)).parent
    foreign = disk.path / "lost+found"
    foreign.mkdir()
    (disk.path / "zz").mkdir()
    (disk.path / "zz" / "precious").write_bytes(b"")
    (disk.path / "0f").write_bytes(b"a file with the name of a shelf")
    misplaced = disk.path / "cd" / OBJECT
    misplaced.mkdir(parents=True)
    (misplaced / "entry").write_text(json.dumps({"a": 2}))
    (disk.path / "ab" / "file").write_bytes(b"")
    for name in ("v1-x", "v1-\u00b2", "v1-01", "v1-", "-1", "v1-" + "9" * 5000, "other"):
        try:
            (home / name).write_bytes(b"")
        except OSError:
            pass
    (home / "folder" / "deep").mkdir(parents=True)
    assert [(found.entry, found.blocks) for found in disk.scan()] == [({"a": 1}, {})]
    assert os.listdir(home) == ["entry"]
    assert not misplaced.exists()
    assert os.listdir(disk.path / "ab") == [OBJECT]
    assert foreign.exists()
    assert (disk.path / "zz" / "precious").exists()


def test_an_object_is_removed_whole(disk: Disk) -> None:
    path = _write(disk)
    disk.write_entry(OBJECT, {})
    disk.remove_object(OBJECT)
    disk.remove_object(OBJECT)
    assert not path.parent.exists()


def test_only_a_clean_stop_leaves_its_mark_and_only_once(tmp_path: Path) -> None:
    first = Disk(tmp_path, 1)
    assert not first.prepare()
    first.close()
    second = Disk(tmp_path, 1)
    assert second.prepare()
    second.threads.shutdown()
    third = Disk(tmp_path, 1)
    assert not third.prepare()
    third.close()


def test_what_was_queued_is_written_before_the_mark(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 1)
    disk.prepare()
    for block in range(50):
        disk.threads.submit(disk.write_block, OBJECT, "v1", block, memoryview(CONTENT))
    disk.close()
    for block in range(50):
        disk.verify_block(OBJECT, "v1", block, len(CONTENT))


def test_blocks_that_wait_for_the_writer_are_there_before_the_mark(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 1)
    disk.prepare()
    begin = threading.Event()
    disk.writer.submit(begin.wait, 10)
    for block in range(20):
        disk.writer.submit(disk.write_block, OBJECT, "v1", block, memoryview(CONTENT))
    assert not (tmp_path / "clean").exists()
    begin.set()
    disk.close()
    assert (tmp_path / "clean").exists()
    for block in range(20):
        disk.verify_block(OBJECT, "v1", block, len(CONTENT))


def test_files_that_threads_write_side_by_side_never_have_one_name(disk: Disk) -> None:
    names = disk.threads.map(lambda _: disk._open_aside(), range(200))
    found = list(names)
    for _, descriptor in found:
        os.close(descriptor)
    assert len({name for name, _ in found}) == 200


def test_leftovers_of_a_crash_are_cleared(disk: Disk) -> None:
    (disk.path / "aside" / "1-1-abcd").write_bytes(b"half a block")
    (disk.path / "aside" / "folder").mkdir()
    assert not disk.prepare()
    assert _aside(disk) == []


def test_a_file_that_may_not_grow_gives_an_error_and_no_block(disk: Disk) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="written"):
            _write(disk)
        with pytest.raises(OSError, match="written"):
            disk.write_entry(OBJECT, {"a": "b" * 2000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert _aside(disk) == []
    assert list(disk.scan()) == []


@pytest.mark.parametrize("said", ["", "another-boot-id", None])
def test_a_mark_of_another_run_of_the_machine_says_nothing(
    tmp_path: Path, said: str | None
) -> None:
    for _ in range(2):
        disk = Disk(tmp_path, 1 << 20)
        disk.prepare()
        disk.close()
    again = Disk(tmp_path, 1 << 20)
    if said is not None:
        (tmp_path / "clean").write_text(said)
    assert again.prepare() is (said is None)
    assert not (tmp_path / "clean").exists()
    assert not again.prepare()


def test_a_system_that_does_not_name_its_runs_has_no_clean_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.cache.disk._BOOT_ID", tmp_path / "absent")
    Disk(tmp_path, 1 << 20).close()
    assert not Disk(tmp_path, 1 << 20).prepare()


def test_an_object_stays_on_its_disk_when_another_disk_leaves(tmp_path: Path) -> None:
    disks = [Disk(tmp_path / name, size << 20) for name, size in (("a", 1), ("b", 3), ("c", 1))]
    targets = [b"/films/%d" % number for number in range(1000)]
    homes = {target: home_of(target, disks) for target in targets}
    shares = [sum(home is disk for home in homes.values()) for disk in disks]
    assert all(abs(share - 200 * size) < 60 for share, size in zip(shares, (1, 3, 1), strict=True))
    for target, home in homes.items():
        assert home is disks[2] or home_of(target, disks[:2]) is home
        assert home_of(target, [home]) is home
