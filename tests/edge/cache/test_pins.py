from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.pins import Pins

FILM = b"/films/a.mp4"


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "pins")


def test_pins_are_found_again_after_a_restart(pins: Pins, tmp_path: Path) -> None:
    pins.add(FILM, 0, 3)
    pins.add("/films/ä".encode(), 5, None)
    pins.save(pins.to_bytes())
    again = Pins(tmp_path / "pins")
    assert again.load()
    assert again.ranges_of(FILM) == [(0, 3)]
    assert again.ranges_of("/films/ä".encode()) == [(5, None)]
    assert set(again.targets()) == set(pins.targets())
    assert [path.name for path in tmp_path.iterdir()] == ["pins"]


def test_where_nothing_was_saved_nothing_is_pinned(pins: Pins) -> None:
    assert pins.load()
    assert not pins.targets()


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"[]", b"\xff\xfe", b'{"pins": []}', b'{"pins": {"/a": 1}}'),
        *(b'{"pins": {"/a": [[3, 3]]}}', b'{"pins": {"/a": [[-1, null]]}}'),
        *(b'{"pins": {"/\\u4e00": []}}', b"[" * 100_000),
    ],
)
def test_a_file_that_is_none_of_ours_is_said_to_be_so(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "pins").write_bytes(text)
    pins = Pins(tmp_path / "pins")
    assert not pins.load()
    assert not pins.targets()


ranges = st.tuples(st.integers(0, 8), st.none() | st.integers(0, 10))
steps = st.lists(st.tuples(st.booleans(), ranges), max_size=12)


@given(steps)
def test_ranges_add_up_and_are_taken_apart_as_sets_are(
    steps: list[tuple[bool, tuple[int, int | None]]],
) -> None:
    pins, model = Pins(Path("nowhere")), set[int]()
    for adds, (first, stop) in steps:
        blocks = set(range(first, 20 if stop is None else stop))
        if adds:
            pins.add(FILM, first, stop)
            model |= blocks
        else:
            pins.discard(FILM, first, stop)
            model -= blocks
        assert {block for block in range(20) if pins.is_pinned(FILM, block)} == model
        assert bool(pins.targets()) == bool(model)
        kept = pins.ranges_of(FILM)
        assert all(stop is not None and stop < after[0] for (_, stop), after in pairwise(kept))
