"""Which snapshots there are, which files are believed, and what is swept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cdnkit.errors import BadRequestError, DigestMismatchError, NotFoundError
from origin.batch import shelf
from origin.batch.destination import Destination, Folder
from origin.batch.manifest import Day, Manifest, Part, Plan, format_record


def named(number: int) -> str:
    return f"2026010{number}T000000Z-{number}"


ONE, TWO, THREE, FOUR, FIVE = map(named, range(1, 6))


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def put(place: Destination, path: str, content: bytes = b"rows") -> Part:
    place.put(path, [content])
    return Part(path, 1, len(content), hashlib.sha256(content).hexdigest())


def finish(place: Destination, name: str, *parts: Part) -> None:
    record = Manifest(name, 1, 1.0, (Day("d", 1, 1, parts),), ())
    place.put(f"{name}/manifest.json", [format_record(record)])


def test_snapshot_is_there_once_its_manifest_is(place: Folder) -> None:
    with pytest.raises(NotFoundError, match="no snapshot"):
        shelf.newest_manifest(place)
    finish(place, ONE, put(place, f"{ONE}/a"))
    put(place, f"{TWO}/a")
    assert shelf.snapshot_ids(place) == [ONE]
    assert shelf.newest_manifest(place).id == ONE
    finish(place, TWO, put(place, f"{TWO}/a"))
    assert shelf.newest_manifest(place).id == TWO


def test_plan_counts_until_a_newer_snapshot_is_finished(place: Folder) -> None:
    plan = Plan(TWO, 1, 1.0, ())
    finish(place, ONE)
    place.put(f"{TWO}/plan.json", [format_record(plan)])
    put(place, f"{THREE}/titles/part-00000.parquet")
    assert shelf.unfinished_plan(place) == plan
    finish(place, FOUR)
    assert shelf.unfinished_plan(place) is None


def test_damage_is_told_by_name_of_the_file(place: Folder) -> None:
    part = put(place, f"{ONE}/a", b"0123456789")
    shelf.check_bytes(place, part)
    assert shelf.is_whole(place, [part])
    place.put(f"{ONE}/a", [b"012345678"])
    with pytest.raises(
        DigestMismatchError, match=rf"{ONE}/a has 9 bytes where the manifest says 10"
    ):
        shelf.check_size(place, part)
    place.put(f"{ONE}/a", [b"0123456780"])
    shelf.check_size(place, part)
    with pytest.raises(DigestMismatchError, match=f"{ONE}/a is damaged"):
        shelf.check_bytes(place, part)
    place.remove(f"{ONE}/a")
    with pytest.raises(NotFoundError, match=f"{ONE}/a is missing"):
        shelf.check_bytes(place, part)
    assert not shelf.is_whole(place, [part])


def test_truncated_manifest_is_refused_by_name(place: Folder) -> None:
    finish(place, ONE)
    place.put(f"{ONE}/manifest.json", [shelf.read_whole(place, f"{ONE}/manifest.json")[:-9]])
    with pytest.raises(BadRequestError, match=rf"{ONE}/manifest\.json"):
        shelf.newest_manifest(place)


def test_sweep_leaves_what_a_kept_snapshot_names_and_what_is_being_made(place: Folder) -> None:
    old, shared = put(place, f"{ONE}/log/old"), put(place, f"{ONE}/log/shared")
    finish(place, ONE, old, shared)
    put(place, f"{TWO}/left-by-a-crash")
    finish(place, THREE, shared)
    finish(place, FOUR, put(place, f"{FOUR}/new"), shared)
    put(place, f"{FIVE}/being-made")
    shelf.prune(place)
    assert shelf.snapshot_ids(place) == [THREE, FOUR]
    assert place.names(f"{ONE}/log") == ["shared"]
    assert place.names("") == [ONE, THREE, FOUR, FIVE]
    assert shelf.prune(place) == []
    for each in (THREE, FOUR):
        assert shelf.is_whole(place, shelf.load_manifest(place, each).parts())


def test_sweep_takes_a_snapshot_whose_manifest_is_cut_off_for_none(place: Folder) -> None:
    shared = put(place, f"{ONE}/log/shared")
    finish(place, ONE, shared, put(place, f"{ONE}/log/old"))
    place.put(f"{ONE}/manifest.json", [shelf.read_whole(place, f"{ONE}/manifest.json")[:-9]])
    finish(place, TWO, shared)
    shelf.prune(place)
    assert shelf.snapshot_ids(place) == [TWO]
    assert place.names(f"{ONE}/log") == ["shared"]


def test_empty_place_is_not_swept(place: Folder) -> None:
    put(place, f"{FIVE}/being-made")
    assert shelf.prune(place) == []
    assert place.names(FIVE) == ["being-made"]


def test_what_is_not_named_as_snapshots_are_is_left_alone(place: Folder) -> None:
    for path in ("catalog.sqlite", "0/manifest.json", "1/plan.json"):
        put(place, path)
    finish(place, ONE)
    finish(place, TWO)
    finish(place, THREE)
    assert shelf.prune(place) == [ONE]
    assert place.names("") == ["0", "1", TWO, THREE, "catalog.sqlite"]
