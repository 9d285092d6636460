"""Movie fragments (ISO/IEC 14496-12 8.8): the samples that each `moof` adds, and `sidx` (8.16.3).

Gaps between fragments lengthen the sample before them; overlaps are refused, because what such a
file shows depends on who plays it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from origin.packaging.boxes import (
    Box,
    Fields,
    UnplayableError,
    children,
    fields_of_box,
    find,
    require,
)
from origin.packaging.samples import SAMPLES_MAX, Samples

GAP_TICKS_MAX: Final = 1 << 31
"""Longest silence between fragments: what the 32 bits of a duration can hold."""

NON_SYNC: Final = 0x00010000
"""`sample_is_non_sync_sample` (8.8.3.1)."""

_BASE_OFFSET, _DESCRIPTION, _DURATION, _SIZE, _FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20
_BASE_IS_MOOF: Final = 0x20000
_RUN_OFFSET, _RUN_FIRST_FLAGS = 0x1, 0x4
_RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT = 0x100, 0x200, 0x400, 0x800


@dataclass(frozen=True, slots=True)
class Defaults:
    """What samples have that do not say otherwise."""

    duration: int
    size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Reference:
    """One subsegment of an index."""

    size_bytes: int
    duration_ticks: int
    starts_with_sync: bool


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """A `sidx`: subsegments that follow each other from `first_offset` on."""

    track_id: int
    timescale: int
    earliest_ticks: int
    first_offset: int
    """Counted from the end of the box."""
    references: tuple[Reference, ...]


def read_defaults(data: bytes, mvex: Box) -> dict[int, Defaults]:
    """The `trex` boxes by track. Raises UnplayableError."""
    found = {}
    for box in children(data, mvex):
        if box.kind == "trex":
            fields = fields_of_box(data, box)
            fields.version()
            track_id, _, duration, size, flags = fields.take("5I")
            found[track_id] = Defaults(duration, size, flags)
    return found


class FragmentReader:
    """Appends fragments, in the order of the file, to the tracks they belong to."""

    def __init__(
        self, tracks: dict[int, Samples], defaults: dict[int, Defaults], file_bytes: int
    ) -> None:
        self._tracks = tracks
        self._defaults = defaults
        self._file_bytes = file_bytes
        self._ends = {number: samples.duration_ticks for number, samples in tracks.items()}

    def add(self, data: bytes, start: int) -> None:
        """Append the samples of the `moof` that is all of `data` and lies at `start` in its file.

        Raises UnplayableError.
        """
        moof = Box("moof", 0, 16 if data[:4] == b"\0\0\0\1" else 8, len(data))
        behind = start
        for box in children(data, moof):
            if box.kind == "traf":
                behind = self._add_track(data, children(data, box), start, behind)
                if behind > self._file_bytes:
                    raise UnplayableError("the file is cut: a sample lies behind its end")

    def _add_track(self, data: bytes, boxes: list[Box], moof_start: int, behind: int) -> int:
        """Append one `traf`; where its data ends."""
        fields = fields_of_box(data, require(boxes, "tfhd"))
        _, flags = fields.version()
        track_id = fields.number("I")
        samples = self._tracks.get(track_id)
        if samples is None:
            raise UnplayableError(f"a fragment is of track {track_id}, which is not declared")
        base = moof_start if flags & _BASE_IS_MOOF else behind
        if flags & _BASE_OFFSET:
            base = fields.number("Q")
        if flags & _DESCRIPTION and fields.number("I") > 1:
            raise UnplayableError("the encoding changes inside a track")
        usual = self._defaults.get(track_id, Defaults(0, 0, 0))
        usual = Defaults(
            fields.number("I") if flags & _DURATION else usual.duration,
            fields.number("I") if flags & _SIZE else usual.size,
            fields.number("I") if flags & _FLAGS else usual.flags,
        )
        self._join(track_id, samples, find(boxes, "tfdt"), data)
        at = base
        for box in boxes:
            if box.kind == "trun":
                first = len(samples)
                at = self._add_run(samples, fields_of_box(data, box), base, at, usual)
                self._ends[track_id] += sum(samples.durations[first:])
        return at

    def _join(self, track_id: int, samples: Samples, tfdt: Box | None, data: bytes) -> None:
        """Let the next sample begin when `tfdt` says (8.8.12)."""
        if tfdt is None:
            return
        fields = fields_of_box(data, tfdt)
        version, _ = fields.version()
        start = fields.number("Q" if version else "I")
        if not samples:
            samples.first_ticks = self._ends[track_id] = start
            return
        gap = start - self._ends[track_id]
        if not 0 <= gap <= GAP_TICKS_MAX:
            raise UnplayableError("fragments overlap in time, or leave it out for too long")
        samples.durations[-1] += gap
        self._ends[track_id] = start

    def _add_run(
        self, samples: Samples, fields: Fields, base: int, at: int, usual: Defaults
    ) -> int:
        _, flags = fields.version()
        count = fields.number("I")
        if flags & _RUN_OFFSET:
            at = base + fields.number("i")
        first_flags = fields.number("I") if flags & _RUN_FIRST_FLAGS else None
        per_sample = _RUN_DURATION, _RUN_SIZE, _RUN_FLAGS, _RUN_SHIFT
        if (
            at < 0
            or at + (0 if flags & _RUN_SIZE else count * max(usual.size, 1)) > self._file_bytes
            or count > SAMPLES_MAX - len(samples)
            or count * 4 * sum(flags & bit != 0 for bit in per_sample) > fields.left
        ):
            raise UnplayableError("a run has more samples than it can hold")
        for number in range(count):
            samples.durations.append(
                fields.number("I") if flags & _RUN_DURATION else usual.duration
            )
            size = fields.number("I") if flags & _RUN_SIZE else usual.size
            own = fields.number("I") if flags & _RUN_FLAGS else usual.flags
            if number == 0 and first_flags is not None:
                own = first_flags
            samples.offsets.append(at)
            samples.sizes.append(size)
            samples.shifts.append(fields.number("i") if flags & _RUN_SHIFT else 0)
            samples.syncs.append(not own & NON_SYNC)
            at += size
        return at


def read_index(data: bytes, box: Box) -> SegmentIndex:
    """A `sidx`. Raises UnplayableError."""
    fields = fields_of_box(data, box)
    version, _ = fields.version()
    track_id, timescale = fields.take("II")
    earliest, first_offset = fields.take("QQ" if version else "II")
    _, count = fields.take("HH")
    references = []
    for _ in range(count):
        size, duration, access = fields.take("III")
        if size >> 31:
            raise UnplayableError("an index of indexes is not read")
        references.append(Reference(size & 0x7FFFFFFF, duration, bool(access >> 31)))
    return SegmentIndex(track_id, timescale, earliest, first_offset, tuple(references))
