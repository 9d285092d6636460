"""Fragments add their samples, and an index says where they are."""

from __future__ import annotations

import struct

import pytest

from origin.packaging.boxes import (
    UnplayableError,
    iterate_boxes,
    make_box,
    make_full_box,
    scan_top_level,
)
from origin.packaging.fragments import Defaults, FragmentReader, read_index
from origin.packaging.samples import Samples
from tests.origin.packaging.conftest import Films


def fragment(*, start: int, tfhd: bytes = b"", flags: int = 0x20000, trun: bytes) -> bytes:
    head = make_full_box("tfhd", 0, flags, struct.pack(">I", 1), tfhd)
    tfdt = make_full_box("tfdt", 1, 0, struct.pack(">Q", start))
    return make_box("moof", make_box("traf", head, tfdt, trun))


def run(flags: int, count: int, *values: int) -> bytes:
    return make_full_box("trun", 0, flags, struct.pack(f">I{len(values)}I", count, *values))


def read(*moofs: bytes) -> Samples:
    samples = Samples()
    reader = FragmentReader({1: samples}, {1: Defaults(10, 4, 0x10000)}, 10_000)
    for number, moof in enumerate(moofs):
        reader.add(moof, 1000 * number)
    return samples


def test_defaults_stand_in_for_what_a_run_leaves_out() -> None:
    samples = read(fragment(start=5, trun=run(0x5, 3, 100, 0x2000000)))
    assert list(samples.offsets) == [100, 104, 108]
    assert list(samples.durations) == [10, 10, 10]
    assert list(samples.syncs) == [1, 0, 0]
    assert samples.first_ticks == 5


def test_gap_between_fragments_lengthens_the_sample_before() -> None:
    one = fragment(start=0, trun=run(0x1, 2, 100))
    two = fragment(start=27, trun=run(0x1, 1, 100))
    samples = read(one, two)
    assert list(samples.durations) == [10, 17, 10]
    assert list(samples.offsets) == [100, 104, 1100]


@pytest.mark.parametrize(
    "moof",
    [
        fragment(start=0, trun=run(0x1, 2_000_000_000, 100)),
        fragment(start=0, trun=run(0x301, 9, 100, 1, 1)),
        fragment(start=0, trun=run(0x1, 1, 0xFFFFFF00)),
        fragment(start=0, trun=run(0x1, 1, 9998)),
        make_box("moof", make_box("traf", make_full_box("tfhd", 0, 0, struct.pack(">I", 2)))),
        make_box("moof", make_box("traf")),
    ],
)
def test_fragment_that_lies_is_refused(moof: bytes) -> None:
    with pytest.raises(UnplayableError):
        read(moof)


def test_overlap_in_time_is_refused() -> None:
    one = fragment(start=0, trun=run(0x1, 2, 100))
    with pytest.raises(UnplayableError, match="overlap"):
        read(one, fragment(start=19, trun=run(0x1, 1, 100)))


def test_index_of_another_writer_names_its_fragments(films: Films) -> None:
    data = films.data("fragmented.mp4")
    top = list(scan_top_level(lambda start, stop: data[start:stop], len(data)))
    index_box = next(box for box in top if box.kind == "sidx")
    index = read_index(data, index_box)
    at = index_box.stop + index.first_offset
    starts = {box.start for box in top if box.kind in ("moof", "styp")}
    for reference in index.references:
        assert at in starts
        at += reference.size_bytes


def test_index_of_indexes_is_refused() -> None:
    head = struct.pack(">IIIIHH", 1, 1, 0, 0, 0, 1) + struct.pack(">III", 1 << 31 | 5, 0, 0)
    data = make_full_box("sidx", 0, 0, head)
    with pytest.raises(UnplayableError):
        read_index(data, next(iterate_boxes(data, 0, len(data))))
