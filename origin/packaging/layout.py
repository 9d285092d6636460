"""Where every byte of a packaged file goes, before one is moved.

A *film* is one file with three faces (docs/decisions/0008-packaging.md). From its start it is a
plain MP4 with all sample tables, for players that load a file. Inside its `mdat` lie an
initialization segment, an index and fragments of the picture alone, for HLS and DASH by byte
ranges. Sound is woven between the pictures for the plain face only: the fragments pass over it, and
have sound in a *track* file of its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from origin.packaging.boxes import UnplayableError, make_media_header
from origin.packaging.cuts import Interval, Timeline
from origin.packaging.fragments import Reference
from origin.packaging.writing import (
    FTYP_FILM,
    FTYP_FRAGMENTS,
    Chunk,
    make_film_header,
    make_fragment,
    make_fragment_header,
    make_index,
)

Piece: TypeAlias = bytes | Interval
"""Bytes to write, or an interval of the source to copy."""

WEAVE_SECONDS: Final = 0.5
"""How much picture lies between two pieces of sound."""

SEGMENTS_MAX: Final = 65_535
"""An index counts in 16 bits."""

_OFFSET_MAX: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes `[start, stop)` of a file that a player asks for at once."""

    start: int
    stop: int
    start_ticks: int
    duration_ticks: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A file to be written, and what playlists have to know of it."""

    size_bytes: int
    pieces: tuple[Piece, ...]
    header: Interval
    """Bytes of the initialization segment."""
    index: Interval
    """Bytes of the `sidx`."""
    segments: tuple[Segment, ...]
    timescale: int


@dataclass(frozen=True, slots=True)
class _Strand:
    """Samples of one track inside a segment."""

    line: Timeline
    interval: Interval

    @property
    def size_bytes(self) -> int:
        first, stop = self.interval
        return sum(self.line.track.samples.sizes[first:stop])


@dataclass(frozen=True, slots=True)
class _Fragment:
    head: bytes
    strands: tuple[_Strand, ...]
    size_bytes: int
    start_ticks: int
    duration_ticks: int


def plan_film(
    video: Timeline,
    cuts: Sequence[Interval],
    sounds: Sequence[Timeline] = (),
) -> Plan:
    """A film of `video`, cut at `cuts`, with `sounds` woven in. Raises UnplayableError."""
    woven = _weave(video, cuts, sounds)
    fragments = _make_fragments(video, woven)
    header = FTYP_FRAGMENTS + make_fragment_header(video)
    index = _make_index(video, fragments)
    inner = len(header) + len(index) + sum(fragment.size_bytes for fragment in fragments)
    lines = [video, *sounds]
    start, moov = _place_film(lines, fragments, len(header) + len(index), inner)
    front = FTYP_FILM + moov + make_media_header(inner, force_large=True)
    return _finish(video, front, start, header, index, fragments)


def plan_track(line: Timeline, cuts: Sequence[Interval]) -> Plan:
    """A file of fragments of one track (CMAF track file). Raises UnplayableError."""
    woven = [[_Strand(line, cut)] for cut in cuts if cut[0] < cut[1]]
    fragments = _make_fragments(line, woven)
    header = FTYP_FRAGMENTS + make_fragment_header(line)
    return _finish(line, b"", 0, header, _make_index(line, fragments), fragments)


def _weave(
    video: Timeline, cuts: Sequence[Interval], sounds: Sequence[Timeline]
) -> list[list[_Strand]]:
    """Pieces of sound before the pictures they belong to, segment by segment."""
    times = video.decode_times()
    step = max(1, round(WEAVE_SECONDS * video.track.timescale))
    heard = [0] * len(sounds)
    sound_times = [sound.decode_times() for sound in sounds]
    woven = []
    for first, stop in cuts:
        strands: list[_Strand] = []
        while first < stop:
            until = bisect_left(times, times[first] + step, first + 1, stop)
            is_last = until == len(times) - 1
            for number, sound in enumerate(sounds):
                moment = video.seconds(times[until]) * sound.track.timescale + sound.lead_ticks
                last = len(sound_times[number]) - 1
                edge = bisect_left(sound_times[number], moment, heard[number], last)
                edge = last if is_last else edge
                if edge > heard[number]:
                    strands.append(_Strand(sound, (heard[number], edge)))
                    heard[number] = edge
            strands.append(_Strand(video, (first, until)))
            first = until
        woven.append(strands)
    return woven


def _make_fragments(leader: Timeline, woven: Sequence[Sequence[_Strand]]) -> list[_Fragment]:
    """A `moof` for the leader's samples of each segment, and the head of the `mdat` behind it."""
    if not 0 < len(woven) <= SEGMENTS_MAX:
        raise UnplayableError(f"the film has {len(woven)} segments")
    times = leader.decode_times()
    fragments = []
    for sequence, strands in enumerate(woven, 1):
        length = sum(strand.size_bytes for strand in strands)
        media_header = make_media_header(length)
        at = len(media_header)
        runs = []
        for strand in strands:
            if strand.line is leader:
                runs.append((at, strand.interval))
            at += strand.size_bytes
        first, stop = runs[0][1][0], runs[-1][1][1]
        if at > 0x7FFFFFFF:
            raise UnplayableError("2 GiB pass between two pictures that stand alone")
        moof = make_fragment(leader, sequence, times[first], runs)
        fragments.append(
            _Fragment(
                head=moof + media_header,
                strands=tuple(strands),
                size_bytes=len(moof) + at,
                start_ticks=times[first],
                duration_ticks=times[stop] - times[first],
            )
        )
    return fragments


def _make_index(line: Timeline, fragments: Sequence[_Fragment]) -> bytes:
    first = fragments[0]
    references = [
        Reference(fragment.size_bytes, fragment.duration_ticks, True) for fragment in fragments
    ]
    # What is skipped at the beginning is not shown: the first subsegment is so much shorter.
    skipped = min(line.lead_ticks, first.duration_ticks)
    references[0] = Reference(first.size_bytes, first.duration_ticks - skipped, True)
    return make_index(line.track, first.start_ticks, references)


def _place_film(
    lines: Sequence[Timeline], fragments: Sequence[_Fragment], lead: int, inner: int
) -> tuple[int, bytes]:
    """Where the inner face begins, and the `moov` in front of it.

    The `moov` names places that depend on its own size; the size depends on how many digits the
    places have, and on nothing else of them.
    """
    media_header = len(make_media_header(inner, force_large=True))
    wide = False
    while True:
        size = len(make_film_header(_place_chunks(fragments, lead), lines, wide))
        start = len(FTYP_FILM) + size + media_header
        if not wide and start + inner > _OFFSET_MAX:
            wide = True
            continue
        return start, make_film_header(_place_chunks(fragments, start + lead), lines, wide)


def _place_chunks(fragments: Sequence[_Fragment], at: int) -> dict[int, list[Chunk]]:
    chunks: dict[int, list[Chunk]] = {}
    for fragment in fragments:
        at += len(fragment.head)
        for strand in fragment.strands:
            chunks.setdefault(strand.line.track.track_id, []).append(Chunk(at, *strand.interval))
            at += strand.size_bytes
    return chunks


def _finish(
    line: Timeline,
    front: bytes,
    start: int,
    header: bytes,
    index: bytes,
    fragments: Sequence[_Fragment],
) -> Plan:
    pieces: list[Piece] = [front + header + index]
    index_start = start + len(header)
    at = index_start + len(index)
    segments = []
    for fragment in fragments:
        pieces.append(fragment.head)
        for strand in fragment.strands:
            pieces += _source_intervals(strand)
        segments.append(
            Segment(at, at + fragment.size_bytes, fragment.start_ticks, fragment.duration_ticks)
        )
        at += fragment.size_bytes
    return Plan(
        size_bytes=at,
        pieces=tuple(pieces),
        header=(start, index_start),
        index=(index_start, index_start + len(index)),
        segments=tuple(segments),
        timescale=line.track.timescale,
    )


def _source_intervals(strand: _Strand) -> Iterator[Interval]:
    """Where the samples lie in the source, neighbours joined."""
    first, stop = strand.interval
    samples = strand.line.track.samples
    start = end = -1
    for offset, size in zip(samples.offsets[first:stop], samples.sizes[first:stop], strict=True):
        if offset == end:
            end += size
            continue
        if start < end:
            yield start, end
        start, end = offset, offset + size
    if start < end:
        yield start, end
