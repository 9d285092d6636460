"""Pins stay pinned whatever number of workers comes next, each kept by one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.box.settle import settle
from edge.box.settle_pins import settle_pins
from edge.cache.pins import Pins, Range, pins_name
from edge.cache.shelves import owner_of, shelves_of
from edge.entry import name_of

FILMS: dict[bytes, list[Range]] = {
    b"/films/%d.mp4" % number: [(number, number + 3)] for number in range(20)
}


def save(path: Path, ranges: dict[bytes, list[Range]]) -> None:
    pins = Pins(path)
    for target, kept in ranges.items():
        for first, stop in kept:
            pins.add(target, first, stop)
    pins.save(pins.to_bytes())


def kept_by(path: Path, number: int, workers: int) -> dict[bytes, list[Range]]:
    pins = Pins(path / pins_name(shelves_of(number, workers)))
    assert pins.load()
    return {target: pins.ranges_of(target) for target in pins.targets()}


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 4), (4, 1), (3, 5), (2, 2)])
def test_pins_are_dealt_out_to_who_owns_what_is_pinned(
    tmp_path: Path, before: int, after: int
) -> None:
    for number in range(before):
        own = {t: r for t, r in FILMS.items() if owner_of(name_of(t), before) == number}
        save(tmp_path / pins_name(shelves_of(number, before)), own)
    settle(tmp_path, after)
    together: dict[bytes, list[Range]] = {}
    for number in range(after):
        kept = kept_by(tmp_path, number, after)
        assert {owner_of(name_of(target), after) for target in kept} <= {number}
        together |= kept
    assert together == FILMS
    names = {pins_name(shelves_of(number, after)) for number in range(after)}
    assert {each.name for each in tmp_path.glob("pins*")} == names


def test_one_file_that_all_workers_had_written_is_taken_over(tmp_path: Path) -> None:
    save(tmp_path / "pins", FILMS)
    settle(tmp_path, 3)
    kept = [kept_by(tmp_path, number, 3) for number in range(3)]
    assert sum(map(len, kept)) == len(FILMS)
    assert not (tmp_path / "pins").exists()


def test_pins_in_folders_of_workers_are_taken_over(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"worker-{number}").mkdir()
        save(tmp_path / f"worker-{number}" / "pins", {b"/a": [(number, number + 1)]})
    settle(tmp_path, 1)
    assert kept_by(tmp_path, 0, 1) == {b"/a": [(0, 2)]}


def test_a_move_that_was_cut_off_is_taken_up(tmp_path: Path) -> None:
    save(tmp_path / "pins", FILMS)
    settle_pins(tmp_path, [], 2)
    # It died before the old file was gone.
    save(tmp_path / "pins", FILMS)
    settle_pins(tmp_path, [], 2)
    assert kept_by(tmp_path, 0, 2) | kept_by(tmp_path, 1, 2) == FILMS
    assert not (tmp_path / "pins").exists()


def test_a_file_that_is_none_of_ours_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "pins").write_bytes(b"{")
    save(tmp_path / "pins-00-7f", {})
    settle_pins(tmp_path, [], 2)
    (aside,) = tmp_path.glob("*.unreadable")
    assert aside.read_bytes() == b"{"
    assert not (tmp_path / "pins").exists()
