"""A cache directory as its next workers expect it, whatever the last ones were.

Run before the workers are started. Another number of workers only means other marks of a clean
stop. In an older layout every worker had a folder of its own: what is in it moves to where one
cache for all keeps it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge.box.settle_pins import settle_pins
from edge.cache.disk import boot_id, read_mark
from edge.cache.shelves import SHELVES, mark_of, parse_mark, shelves_of
from edge.feed import places_of
from edge.marks_file import MARKS_NAME, read_marks, write_marks
from edge.place import Place, earliest, read_place, write_place
from edge.trust import BEFORE_MARKS, NOTHING_GOOD, Marks, merged

_FOLDER: Final = re.compile(r"worker-[0-9]+")
_PLACES: Final = re.compile(r"places-[0-9]+-of-[0-9]+")
_SHELF: Final = re.compile(r"[0-9a-f]{2}")


def settle(path: Path, workers: int) -> None:
    """Make a directory ready for `workers` workers. Raises OSError."""
    path.mkdir(parents=True, exist_ok=True)
    folders = [each for each in sorted(path.iterdir()) if _FOLDER.fullmatch(each.name)]
    clean = all(_is_clean(folder) for folder in folders) and (
        _is_clean(path) or not any(_SHELF.fullmatch(each.name) for each in path.iterdir())
    )
    _settle_places(path, folders, workers)
    settle_pins(path, folders, workers)
    for folder in folders:
        _move_objects(folder, path)
        shutil.rmtree(folder)
    for each in list(path.iterdir()):
        if parse_mark(each.name) is not None:
            each.unlink()
    if clean:
        for number in range(workers):
            (path / mark_of(shelves_of(number, workers))).write_text(boot_id())


def _is_clean(path: Path) -> bool:
    """Were all shelves left in order since the machine started?"""
    left: set[int] = set()
    for each in path.iterdir():
        shelves = parse_mark(each.name)
        if shelves is not None and read_mark(each) == boot_id() != "":
            left.update(shelves)
    return len(left) == SHELVES


def _settle_places(path: Path, folders: Sequence[Path], workers: int) -> None:
    """Each worker has its own place in a journal: the earliest is one that all have reached."""
    kept = [each for each in path.iterdir() if _PLACES.fullmatch(each.name)]
    ours = [places_of(path, number, workers) for number in range(workers)]
    if workers > 1 and set(kept) == set(ours) and not folders:
        return
    groups = [each for each in (list(folders), kept, [path]) if each]
    found = [each for each in map(_reached, groups) if each is not None]
    marks, reached = found[0] if found else (BEFORE_MARKS, {})
    is_whole = not kept or len(kept) == int(kept[0].name.rpartition("-")[2])
    if len(found) > 1 or not is_whole:
        # Of what was kept in two ways nobody knows which is true of which block, and where one is
        # missing nobody knows how far its worker had read.
        marks, reached = NOTHING_GOOD, {}
    for each in kept:
        shutil.rmtree(each)
    for old in [*path.glob("feed-*.json"), *path.glob(MARKS_NAME)]:
        old.unlink()
    for directory in ours:
        directory.mkdir(exist_ok=True)
        if marks != BEFORE_MARKS:
            write_marks(directory / MARKS_NAME, marks)
        for name, place in reached.items():
            write_place(directory / name, place)


def _reached(group: Sequence[Path]) -> tuple[Marks, dict[str, Place]] | None:
    """What is good of all that a group of workers holds, and by file name the earliest place, of
    those that all have kept; None where nothing was written down."""
    marks_of = [read_marks(each / MARKS_NAME) or NOTHING_GOOD for each in group]
    marks, names = merged(marks_of), [each.name for each in group[0].glob("feed-*.json")]
    if any(not each.good for each in marks_of):
        marks = NOTHING_GOOD
    reached: dict[str, Place] = {}
    for name in names if marks.good else ():
        places = [read_place(each / name) for each in group]
        known = [
            place
            for place, own in zip(places, marks_of, strict=True)
            if place is not None and place.mark in own.good
        ]
        place = earliest(known, marks.newest) if len(known) == len(group) else None
        if place is not None:
            reached[name] = place
    return (marks, reached) if names or marks != BEFORE_MARKS else None


def _move_objects(folder: Path, path: Path) -> None:
    for shelf in folder.iterdir():
        if not _SHELF.fullmatch(shelf.name):
            continue
        (path / shelf.name).mkdir(exist_ok=True)
        for found in shelf.iterdir():
            # Of an object that several held the first is kept: it is one version either way.
            with contextlib.suppress(OSError):
                os.rename(found, path / shelf.name / found.name)
