"""A cache directory serves any number of workers after any other, and the older layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge.box.settle import settle
from edge.cache.disk import Disk
from edge.cache.shelves import ALL_SHELVES, shelves_of
from edge.feed import places_of
from edge.marks_file import MARKS_NAME, read_marks, write_marks
from edge.place import Place, read_place, write_place
from edge.trust import NOTHING_GOOD, Marks

OBJECT = "ab" + "0" * 30


def stop_cleanly(path: Path, workers: int) -> None:
    for number in range(workers):
        disk = Disk(path, 1 << 20, shelves=shelves_of(number, workers))
        disk.prepare()
        disk.close()


def are_clean(path: Path, workers: int) -> list[bool]:
    disks = [Disk(path, 1 << 20, shelves=shelves_of(number, workers)) for number in range(workers)]
    found = [disk.prepare() for disk in disks]
    for disk in disks:
        disk.threads.shutdown()
    return found


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 4), (4, 1), (3, 5), (5, 5)])
def test_a_clean_stop_stays_one_for_another_number_of_workers(
    tmp_path: Path, before: int, after: int
) -> None:
    stop_cleanly(tmp_path, before)
    (tmp_path / "ab" / OBJECT).mkdir(parents=True)
    settle(tmp_path, after)
    assert are_clean(tmp_path, after) == [True] * after
    settle(tmp_path, after)
    assert are_clean(tmp_path, after) == [False] * after


def test_one_worker_that_died_puts_all_in_doubt_for_another_number(tmp_path: Path) -> None:
    stop_cleanly(tmp_path, 4)
    (tmp_path / "ab").mkdir()
    (tmp_path / "clean-40-7f").unlink()
    settle(tmp_path, 2)
    assert are_clean(tmp_path, 2) == [False, False]


def test_folders_of_workers_become_one_cache(tmp_path: Path) -> None:
    for number, sequence in ((0, 7), (1, 5)):
        folder = tmp_path / f"worker-{number}"
        stop_cleanly(folder, 1)
        (folder / "feed-origin.json").write_text(json.dumps({"sequence": sequence}))
        for name in (OBJECT, f"cd{number}" + "1" * 29):
            (folder / name[:2] / name).mkdir(parents=True)
            (folder / name[:2] / name / "entry").write_text(str(number))
    settle(tmp_path, 2)
    assert not list(tmp_path.glob("worker-*"))
    assert {path.parent.name for path in tmp_path.glob("??/*/entry")} == {
        *(OBJECT, "cd0" + "1" * 29, "cd1" + "1" * 29),
    }
    assert (tmp_path / "ab" / OBJECT / "entry").read_text() == "0"
    for number in range(2):
        place = places_of(tmp_path, number, 2) / "feed-origin.json"
        assert json.loads(place.read_text()) == {"sequence": 5}
    assert are_clean(tmp_path, 2) == [True, True]


def test_a_place_that_one_worker_did_not_keep_is_none(tmp_path: Path) -> None:
    for number in range(2):
        stop_cleanly(tmp_path / f"worker-{number}", 1)
    (tmp_path / "worker-0" / "feed-origin.json").write_text(json.dumps({"sequence": 7}))
    settle(tmp_path, 2)
    assert not list(tmp_path.rglob("feed-origin.json"))


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 3), (3, 1), (3, 3), (2, 4)])
def test_the_place_in_a_journal_is_taken_over(tmp_path: Path, before: int, after: int) -> None:
    settle(tmp_path, before)
    for number in range(before):
        place = places_of(tmp_path, number, before) / "feed-origin-1.json"
        place.write_text(json.dumps({"sequence": 10 + number}))
    settle(tmp_path, after)
    found = [
        json.loads((places_of(tmp_path, number, after) / "feed-origin-1.json").read_text())
        for number in range(after)
    ]
    if before == after:
        assert found == [{"sequence": 10 + number} for number in range(after)]
    else:
        assert found == [{"sequence": 10}] * after
    assert len(list(tmp_path.rglob("feed-*.json"))) == after


def keep(directory: Path, place: Place, marks: Marks) -> None:
    directory.mkdir(exist_ok=True)
    write_place(directory / "feed-o.json", place)
    write_marks(directory / MARKS_NAME, marks)


def marks(good: str, dealt: str = "") -> Marks:
    return Marks(frozenset(good.split()), frozenset(dealt.split()))


@pytest.mark.parametrize(
    ("kept", "place", "expected"),
    [
        ([("a", ""), ("b", "")], Place(10, "j", "a"), marks("a b", "a b")),
        ([("a b", "a b"), ("c", "a b")], Place(10, "j", "c"), marks("c", "c")),
        ([("b", "a"), ("a", "b")], None, NOTHING_GOOD),
    ],
)
def test_what_a_worker_doubts_its_heirs_doubt(
    tmp_path: Path, kept: list[tuple[str, str]], place: Place | None, expected: Marks
) -> None:
    settle(tmp_path, 2)
    for number, (good, dealt) in enumerate(kept):
        own = marks(good, dealt)
        keep(places_of(tmp_path, number, 2), Place(10 + number, "j", own.newest), own)
    for workers in (3, 1):
        settle(tmp_path, workers)
        for number in range(workers):
            directory = places_of(tmp_path, number, workers)
            assert read_place(directory / "feed-o.json") == place
            assert read_marks(directory / MARKS_NAME) == expected
    assert len(list(tmp_path.rglob(MARKS_NAME))) == 1


def test_a_place_that_is_said_of_other_marks_is_none(tmp_path: Path) -> None:
    keep(tmp_path, Place(10, "j", "a"), marks("b"))
    settle(tmp_path, 1)
    assert not list(tmp_path.glob("feed-*.json"))


def test_without_one_workers_marks_no_place_is_any(tmp_path: Path) -> None:
    settle(tmp_path, 2)
    for number in range(2):
        keep(places_of(tmp_path, number, 2), Place(10, "j", "a"), marks("a"))
    (places_of(tmp_path, 1, 2) / MARKS_NAME).write_text("{}")
    settle(tmp_path, 1)
    assert not list(tmp_path.glob("feed-*.json"))
    assert read_marks(tmp_path / MARKS_NAME) == NOTHING_GOOD


def test_with_one_workers_folder_missing_nothing_is_good(tmp_path: Path) -> None:
    settle(tmp_path, 3)
    for number in range(2):
        keep(places_of(tmp_path, number, 3), Place(10, "j", "a"), marks("a"))
    shutil.rmtree(places_of(tmp_path, 2, 3))
    settle(tmp_path, 2)
    assert not list(tmp_path.rglob("feed-*.json"))
    for number in range(2):
        assert read_marks(places_of(tmp_path, number, 2) / MARKS_NAME) == NOTHING_GOOD


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 3), (3, 1)])
def test_marks_stay_where_no_journal_is_followed(tmp_path: Path, before: int, after: int) -> None:
    settle(tmp_path, before)
    for number in range(before):
        write_marks(places_of(tmp_path, number, before) / MARKS_NAME, marks("a"))
    settle(tmp_path, after)
    for number in range(after):
        assert read_marks(places_of(tmp_path, number, after) / MARKS_NAME) == marks("a", "a")


def test_a_new_directory_says_nothing_of_marks(tmp_path: Path) -> None:
    settle(tmp_path, 1)
    assert not (tmp_path / MARKS_NAME).exists()


def test_a_new_directory_is_made(tmp_path: Path) -> None:
    settle(tmp_path / "a" / "b", 2)
    assert (tmp_path / "a" / "b").is_dir()
    assert len(ALL_SHELVES) == 256
