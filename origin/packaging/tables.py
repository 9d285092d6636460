"""Sample tables of a movie that is not fragmented (ISO/IEC 14496-12 8.6, 8.7), as columns.

Counts are checked against the bytes that would hold them, and samples against the file, before
anything of that size is made.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from origin.packaging.boxes import (
    Box,
    Fields,
    UnplayableError,
    fields_of_box,
    find,
    require,
)
from origin.packaging.samples import SAMPLES_MAX, Samples


def read_samples(data: bytes, stbl: Sequence[Box], file_bytes: int) -> Samples:
    """The samples that the boxes of an `stbl` describe; none in a fragmented file.

    Raises UnplayableError.
    """
    sizes = _read_sizes(data, stbl, file_bytes)
    count = len(sizes)
    if count == 0:
        return Samples()
    durations = _expand_runs(fields_of_box(data, require(stbl, "stts")), count, "I", "Q")
    samples = Samples(
        offsets=_read_offsets(data, stbl, sizes),
        sizes=sizes,
        durations=durations,
        shifts=_read_shifts(data, stbl, count),
        syncs=_read_syncs(data, stbl, count),
    )
    _require_inside(samples, file_bytes)
    return samples


def _read_sizes(data: bytes, stbl: Sequence[Box], file_bytes: int) -> array[int]:
    box = find(stbl, "stsz")
    if box is None:
        return _read_compact_sizes(data, require(stbl, "stz2"))
    fields = fields_of_box(data, box)
    fields.version()
    size, count = fields.take("II")
    _require_count(count)
    if size == 0:
        return array("Q", fields.numbers(count))
    if size * count > file_bytes:
        raise UnplayableError("the samples are larger than the file")
    return array("Q", [size]) * count


def _read_compact_sizes(data: bytes, box: Box) -> array[int]:
    fields = fields_of_box(data, box)
    fields.version()
    field_bits, count = fields.take("II")
    field_bits &= 0xFF
    _require_count(count)
    if field_bits == 16:
        return array("Q", fields.numbers(count, "H"))
    if field_bits == 8:
        return array("Q", fields.numbers(count, "B"))
    if field_bits == 4:
        pairs = fields.numbers((count + 1) // 2, "B")
        return array("Q", [half for pair in pairs for half in (pair >> 4, pair & 15)][:count])
    raise UnplayableError(f"sample sizes have {field_bits} bits")


def _read_offsets(data: bytes, stbl: Sequence[Box], sizes: array[int]) -> array[int]:
    """Where each sample lies: chunks, and how many samples each has (8.7.4, 8.7.5)."""
    narrow = find(stbl, "stco")
    fields = fields_of_box(data, narrow or require(stbl, "co64"))
    fields.version()
    chunks = fields.numbers(fields.number("I"), "I" if narrow else "Q")
    fields = fields_of_box(data, require(stbl, "stsc"))
    fields.version()
    count = fields.number("I")
    runs = fields.numbers(count * 3)
    firsts = [*runs[::3], len(chunks) + 1]
    if firsts[0] != 1:
        raise UnplayableError("the first chunk has no samples")
    offsets: array[int] = array("Q")
    for number in range(count):
        first, per_chunk = firsts[number], runs[number * 3 + 1]
        if not 1 <= first < firsts[number + 1]:
            raise UnplayableError("the runs of chunks are out of order")
        for offset in chunks[first - 1 : firsts[number + 1] - 1]:
            _place_chunk(offsets, sizes, offset, per_chunk)
    if len(offsets) < len(sizes):
        raise UnplayableError("some samples are in no chunk")
    return offsets


def _place_chunk(offsets: array[int], sizes: array[int], offset: int, count: int) -> None:
    for size in sizes[len(offsets) : len(offsets) + count]:
        offsets.append(offset)
        offset += size
        if offset > 1 << 62:
            raise UnplayableError("a chunk lies beyond any file")


def _read_shifts(data: bytes, stbl: Sequence[Box], count: int) -> array[int]:
    box = find(stbl, "ctts")
    if box is None:
        return array("q", bytes(8 * count))
    # Version 0 says unsigned, but encoders write negative numbers there, and no shift is 2^31.
    return _expand_runs(fields_of_box(data, box), count, "i", "q")


def _read_syncs(data: bytes, stbl: Sequence[Box], count: int) -> bytearray:
    box = find(stbl, "stss")
    if box is None:
        return bytearray(b"\1") * count
    fields = fields_of_box(data, box)
    fields.version()
    syncs = bytearray(count)
    for number in fields.numbers(fields.number("I")):
        if not 1 <= number <= count:
            raise UnplayableError("a sync sample is outside the track")
        syncs[number - 1] = 1
    return syncs


def _expand_runs(fields: Fields, count: int, form: str, code: str) -> array[int]:
    """Pairs of (how many, value) as one value per sample (8.6.1)."""
    fields.version()
    entries = fields.number("I")
    if entries * 8 > fields.left:
        raise UnplayableError("a table of runs ends too early")
    values: array[int] = array(code)
    for _ in range(entries):
        repeat, value = fields.take("I" + form)
        values.extend(array(code, [value]) * min(repeat, count - len(values)))
    if len(values) < count:
        raise UnplayableError("a table of runs has too few samples")
    return values


def _require_count(count: int) -> None:
    if count > SAMPLES_MAX:
        raise UnplayableError(f"more than {SAMPLES_MAX} samples")


def _require_inside(samples: Samples, file_bytes: int) -> None:
    for offset, size in zip(samples.offsets, samples.sizes, strict=True):
        if offset + size > file_bytes:
            raise UnplayableError("the file is cut: a sample lies behind its end")
