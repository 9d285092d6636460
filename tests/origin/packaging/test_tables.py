"""Sample tables become columns, and counts that lie are refused."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.packaging.boxes import UnplayableError, iterate_boxes, make_full_box
from origin.packaging.samples import Samples
from origin.packaging.tables import read_samples

FILE_BYTES = 1 << 40


def table(kind: str, *values: int, form: str = "I") -> bytes:
    return make_full_box(kind, 0, 0, struct.pack(f">{len(values)}{form}", *values))


def read(*parts: bytes, file_bytes: int = FILE_BYTES) -> Samples:
    data = b"".join(parts)
    return read_samples(data, list(iterate_boxes(data, 0, len(data))), file_bytes)


STTS = table("stts", 1, 3, 10)
STSC = table("stsc", 2, 1, 2, 1, 2, 1, 1)
STSZ = table("stsz", 0, 3, 7, 8, 9)
STCO = table("stco", 2, 1000, 2000)


def test_chunks_and_sizes_place_each_sample() -> None:
    samples = read(STTS, STSC, STSZ, STCO)
    assert list(samples.offsets) == [1000, 1007, 2000]
    assert list(samples.sizes) == [7, 8, 9]
    assert list(samples.durations) == [10, 10, 10]
    assert list(samples.syncs) == [1, 1, 1]


def test_sync_table_and_negative_shifts_are_read() -> None:
    ctts = table("ctts", 2, 1, 5, 2, 0xFFFFFFFE)
    samples = read(STTS, STSC, STSZ, STCO, ctts, table("stss", 2, 1, 3))
    assert list(samples.shifts) == [5, -2, -2]
    assert list(samples.syncs) == [1, 0, 1]


def test_wide_offsets_are_read() -> None:
    co64 = make_full_box("co64", 0, 0, struct.pack(">IQQ", 2, 1 << 33, 1 << 34))
    assert list(read(STTS, STSC, STSZ, co64).offsets) == [1 << 33, (1 << 33) + 7, 1 << 34]


@pytest.mark.parametrize(
    ("bits", "packed", "sizes"),
    [(4, b"\x78\x90", [7, 8, 9]), (8, b"\x07\x08\x09", [7, 8, 9]), (16, b"\0\7\0\x08\0\x09", None)],
)
def test_compact_sizes_are_read(bits: int, packed: bytes, sizes: list[int] | None) -> None:
    stz2 = make_full_box("stz2", 0, 0, struct.pack(">II", bits, 3), packed)
    assert list(read(STTS, STSC, stz2, STCO).sizes) == (sizes or [7, 8, 9])


@pytest.mark.parametrize(
    "parts",
    [
        (STTS, STSC, STCO),
        (STTS, STSC, table("stsz", 0, 0xFFFFFFFF), STCO),
        (STTS, STSC, table("stsz", 1, 0xFFFFFFFF), STCO),
        (STTS, STSC, table("stsz", 0xFFFFFFFF, 8_000_000), STCO),
        (table("stts", 0xFFFFFFFF), STSC, STSZ, STCO),
        (table("stts", 1, 2, 10), STSC, STSZ, STCO),
        (STTS, table("stsc", 0xFFFFFFFF), STSZ, STCO),
        (STTS, table("stsc", 1, 2, 9, 1), STSZ, STCO),
        (STTS, table("stsc", 1, 1, 1, 1), STSZ, STCO),
        (STTS, STSC, STSZ, table("stco", 1, 1000)),
        (STTS, STSC, STSZ, table("stco", 0xFFFFFFFF)),
        (STTS, STSC, STSZ, STCO, table("stss", 1, 4)),
        (STTS, STSC, STSZ, STCO, table("stss", 1, 0)),
    ],
)
def test_table_that_lies_is_refused(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(UnplayableError):
        read(*parts)


def test_file_that_was_cut_is_refused() -> None:
    assert len(read(STTS, STSC, STSZ, STCO, file_bytes=2009)) == 3
    with pytest.raises(UnplayableError, match="cut"):
        read(STTS, STSC, STSZ, STCO, file_bytes=2008)


@given(st.data())
def test_any_bytes_in_any_table_are_read_or_refused(data: st.DataObject) -> None:
    parts = [STTS, STSC, STSZ, STCO, table("ctts", 1, 3, 2), table("stss", 1, 1)]
    joined = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 6))):
        joined[data.draw(st.integers(0, len(joined) - 1))] = data.draw(st.integers(0, 255))
    try:
        samples = read(bytes(joined))
    except UnplayableError:
        return
    assert len(samples.durations) == len(samples.shifts) == len(samples.syncs) == len(samples)
