"""Writes headers: a complete `moov`, one for fragments, `moof`, `sidx` (ISO/IEC 14496-12).

Everything here is bytes from numbers; where samples go is decided by `layout`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from origin.packaging.boxes import make_box, make_full_box
from origin.packaging.cuts import Interval, Timeline
from origin.packaging.fragments import Reference
from origin.packaging.samples import Track

MOVIE_TIMESCALE: Final = 90_000
SYNC_FLAGS: Final = 0x02000000
DELTA_FLAGS: Final = 0x01010000
_UNITY: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

FTYP_FILM: Final = make_box("ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
FTYP_FRAGMENTS: Final = make_box("ftyp", b"iso6", struct.pack(">I", 0), b"iso6cmfcdashmp41")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples of one track that lie one behind the other."""

    offset: int
    first: int
    stop: int


def make_film_header(
    chunks: dict[int, list[Chunk]], lines: Sequence[Timeline], wide: bool
) -> bytes:
    """A complete `moov`: every sample of every line, with 64-bit offsets when `wide`."""
    duration = max(_shown_ticks(line) for line in lines)
    next_id = max(line.track.track_id for line in lines) + 1
    traks = [
        _make_trak(line, _make_tables(line, chunks[line.track.track_id], wide)) for line in lines
    ]
    return make_box("moov", _make_mvhd(duration, next_id), *traks)


def make_fragment_header(line: Timeline) -> bytes:
    """The `moov` of an initialization segment with one track."""
    track = line.track
    empty = struct.pack(">I", 0)
    tables = make_box(
        "stbl",
        track.description,
        make_full_box("stts", 0, 0, empty),
        make_full_box("stsc", 0, 0, empty),
        make_full_box("stsz", 0, 0, empty, empty),
        make_full_box("stco", 0, 0, empty),
    )
    trak = _make_trak(line, tables, fragmented=True)
    mvex = make_box(
        "mvex",
        make_full_box("mehd", 1, 0, struct.pack(">Q", _shown_ticks(line))),
        make_full_box("trex", 0, 0, struct.pack(">5I", track.track_id, 1, 0, 0, 0)),
    )
    return make_box("moov", _make_mvhd(0, track.track_id + 1), trak, mvex)


def _shown_ticks(line: Timeline) -> int:
    """How long a track lasts from the start of the film, in ticks of the movie."""
    ends = line.decode_times()[-1] - line.lead_ticks
    return max(ends, 0) * MOVIE_TIMESCALE // line.track.timescale


def _make_mvhd(duration: int, next_id: int) -> bytes:
    times = struct.pack(">QQIQ", 0, 0, MOVIE_TIMESCALE, duration)
    rest = struct.pack(">IHH8x", 0x10000, 0x100, 0) + _UNITY + bytes(24)
    return make_full_box("mvhd", 1, 0, times, rest, struct.pack(">I", next_id))


def _make_trak(line: Timeline, tables: bytes, fragmented: bool = False) -> bytes:
    track = line.track
    is_video = track.handler == "vide"
    tkhd = make_full_box(
        "tkhd",
        1,
        3,
        struct.pack(">QQIIQ", 0, 0, track.track_id, 0, 0 if fragmented else _shown_ticks(line)),
        struct.pack(">8xhhHH", 0, 0 if is_video else 1, 0 if is_video else 0x100, 0),
        track.matrix,
        struct.pack(">II", track.width << 16, track.height << 16),
    )
    media_ticks = 0 if fragmented else line.track.samples.duration_ticks
    letters = [ord(letter) - 0x60 for letter in track.language]
    language = letters[0] << 10 | letters[1] << 5 | letters[2]
    mdhd = make_full_box(
        "mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, track.timescale, media_ticks, language, 0)
    )
    name = b"VideoHandler\0" if is_video else b"SoundHandler\0"
    hdlr = make_full_box("hdlr", 0, 0, bytes(4), track.handler.encode(), bytes(12), name)
    head = (
        make_full_box("vmhd", 0, 1, bytes(8)) if is_video else make_full_box("smhd", 0, 0, bytes(4))
    )
    url = make_full_box("url ", 0, 1)
    dinf = make_box("dinf", make_full_box("dref", 0, 0, struct.pack(">I", 1), url))
    mdia = make_box("mdia", mdhd, hdlr, make_box("minf", head, dinf, tables))
    return make_box("trak", tkhd, _make_edits(line, fragmented), mdia)


def _make_edits(line: Timeline, fragmented: bool) -> bytes:
    """The edit list: fragments carry all but the priming in their own times."""
    if fragmented:
        if not line.skip_ticks:
            return b""
        return _make_elst([(0, line.skip_ticks)])
    track = line.track
    before = sum(track.samples.durations[: line.first])
    media = before + line.skip_ticks + line.shift_ticks
    delay = line.base_ticks * MOVIE_TIMESCALE // track.timescale
    if not media and not delay:
        return b""
    shown = _shown_ticks(line) - delay
    return _make_elst([*([(delay, -1)] if delay else []), (shown, media)])


def _make_elst(entries: Sequence[tuple[int, int]]) -> bytes:
    rows = b"".join(struct.pack(">QqI", duration, media, 0x10000) for duration, media in entries)
    return make_box("edts", make_full_box("elst", 1, 0, struct.pack(">I", len(entries)), rows))


def _make_tables(line: Timeline, chunks: Sequence[Chunk], wide: bool) -> bytes:
    samples = line.track.samples
    tables = [line.track.description, _make_runs("stts", 0, samples.durations)]
    if any(samples.shifts):
        tables.append(_make_runs("ctts", 1 if min(samples.shifts) < 0 else 0, samples.shifts))
    if not all(samples.syncs):
        numbers = [number for number, sync in enumerate(samples.syncs, 1) if sync]
        tables.append(_make_list("stss", numbers))
    counts = [chunk.stop - chunk.first for chunk in chunks]
    runs = []
    first = 1
    for count, same in groupby(counts):
        runs += [first, count, 1]
        first += len(list(same))
    tables.append(
        make_full_box("stsc", 0, 0, struct.pack(f">I{len(runs)}I", len(runs) // 3, *runs))
    )
    sizes = struct.pack(f">II{len(samples)}I", 0, len(samples), *samples.sizes)
    tables.append(make_full_box("stsz", 0, 0, sizes))
    offsets = [chunk.offset for chunk in chunks]
    tables.append(_make_list("co64", offsets, "Q") if wide else _make_list("stco", offsets))
    return make_box("stbl", *tables)


def _make_runs(kind: str, version: int, values: Sequence[int]) -> bytes:
    flat: list[int] = []
    for value, same in groupby(values):
        flat += [len(list(same)), value & 0xFFFFFFFF]
    return make_full_box(kind, version, 0, struct.pack(f">I{len(flat)}I", len(flat) // 2, *flat))


def _make_list(kind: str, values: Sequence[int], form: str = "I") -> bytes:
    return make_full_box(kind, 0, 0, struct.pack(f">I{len(values)}{form}", len(values), *values))


def make_fragment(
    line: Timeline, sequence: int, decode_ticks: int, runs: Sequence[tuple[int, Interval]]
) -> bytes:
    """The `moof` of one segment: runs of samples, each with its distance from the end of the box.

    `decode_ticks` is the decoding time of the first sample.
    """
    samples = line.track.samples
    first, stop = runs[0][1][0], runs[-1][1][1]
    durations = set(samples.durations[first:stop])
    usual = durations.pop() if len(durations) == 1 else None
    has_shifts = any(shift != line.shift_ticks for shift in samples.shifts[first:stop])
    all_sync = all(samples.syncs[first:stop])
    only_first = bool(samples.syncs[first]) and not any(samples.syncs[first + 1 : stop])
    own_flags = not all_sync and not only_first
    tfhd_flags = 0x20000 | 0x20 | (0 if usual is None else 0x8)
    values = [line.track.track_id]
    values += [] if usual is None else [usual]
    values.append(SYNC_FLAGS if all_sync else DELTA_FLAGS)
    tfhd = make_full_box("tfhd", 0, tfhd_flags, struct.pack(f">{len(values)}I", *values))
    tfdt = make_full_box("tfdt", 1, 0, struct.pack(">Q", decode_ticks))
    columns = _Columns(usual is None, own_flags, has_shifts)

    def make(size: int) -> bytes:
        truns = [
            _make_run(line, columns, size + distance, interval, number == 0 and only_first)
            for number, (distance, interval) in enumerate(runs)
        ]
        mfhd = make_full_box("mfhd", 0, 0, struct.pack(">I", sequence))
        return make_box("moof", mfhd, make_box("traf", tfhd, tfdt, *truns))

    return make(len(make(0)))


@dataclass(frozen=True, slots=True)
class _Columns:
    durations: bool
    flags: bool
    shifts: bool


def _make_run(
    line: Timeline, columns: _Columns, distance: int, interval: Interval, lead: bool
) -> bytes:
    """A `trun`; with `lead`, its first sample is a sync sample and the others are not."""
    first, stop = interval
    samples = line.track.samples
    flags = 0x1 | 0x200
    parts: list[Sequence[int]] = []
    if columns.durations:
        flags |= 0x100
        parts.append(samples.durations[first:stop])
    parts.append(samples.sizes[first:stop])
    if columns.flags:
        flags |= 0x400
        syncs = samples.syncs[first:stop]
        parts.append([SYNC_FLAGS if sync else DELTA_FLAGS for sync in syncs])
    if columns.shifts:
        flags |= 0x800
        shifts = samples.shifts[first:stop]
        parts.append([shift - line.shift_ticks & 0xFFFFFFFF for shift in shifts])
    head = [stop - first, distance]
    if lead:
        flags |= 0x4
        head.append(SYNC_FLAGS)
    table = [value for row in zip(*parts, strict=True) for value in row]
    return make_full_box(
        "trun",
        1,
        flags,
        struct.pack(f">{len(head)}I", *head),
        struct.pack(f">{len(table)}I", *table),
    )


def make_index(
    track: Track, earliest_ticks: int, references: Sequence[Reference], first_offset: int = 0
) -> bytes:
    """A `sidx` that stands directly before the first subsegment."""
    head = struct.pack(
        ">IIQQHH", track.track_id, track.timescale, earliest_ticks, first_offset, 0, len(references)
    )
    rows = b"".join(
        struct.pack(
            ">III", each.size_bytes, each.duration_ticks, 0x90000000 if each.starts_with_sync else 0
        )
        for each in references
    )
    return make_full_box("sidx", 1, 0, head, rows)
