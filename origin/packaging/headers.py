"""A whole file as a Movie: which boxes are needed, in which order, and where reading has to stop.

Reads headers and tables alone, never film bytes. QuickTime and MP4, `moov` in front or behind,
fragmented or not. What the tables mean is for `tables` and `fragments`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from origin.packaging.boxes import (
    Box,
    ReadAt,
    UnplayableError,
    children,
    fields_of_box,
    find,
    find_path,
    require,
    scan_top_level,
)
from origin.packaging.fragments import FragmentReader, read_defaults
from origin.packaging.samples import SAMPLES_MAX, Edit, Movie, Samples, Track
from origin.packaging.tables import read_samples

MOOV_BYTES_MAX: Final = 256 * 1024 * 1024
MOOF_BYTES_MAX: Final = 16 * 1024 * 1024
TRACKS_MAX: Final = 64
_TIMESCALE_MAX: Final = 1_000_000_000


def is_iso_media(head: bytes) -> bool:
    """Whether a file with these first bytes is a box file (MP4, QuickTime)."""
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot")


def read_movie(read: ReadAt, size_bytes: int) -> Movie:
    """The movie in a file of `size_bytes`. Raises UnplayableError, and what `read` raises."""
    moov: bytes | None = None
    brand = "qt  "
    moov_first = True
    moofs: list[Box] = []
    for box in scan_top_level(read, size_bytes):
        if box.kind == "ftyp" and box.stop - box.payload >= 4:
            brand = read(box.payload, box.payload + 4).decode("latin-1")
        elif box.kind == "moov" and moov is None:
            moov = _read_box(read, box, MOOV_BYTES_MAX)
        elif box.kind == "mdat" and moov is None:
            moov_first = False
        elif box.kind == "moof":
            moofs.append(box)
    if moov is None:
        raise UnplayableError("the file has no 'moov' box: it is no film, or was cut")
    (box,) = scan_top_level(lambda start, stop: moov[start:stop], len(moov))
    boxes = children(moov, box)
    tracks = _read_tracks(moov, boxes, size_bytes)
    if moofs:
        _add_fragments(read, moov, boxes, moofs, tracks, size_bytes)
    if sum(len(track.samples) for track in tracks) > SAMPLES_MAX:
        raise UnplayableError(f"more than {SAMPLES_MAX} samples")
    return Movie(
        brand, tuple(track for track in tracks if len(track.samples)), bool(moofs), moov_first
    )


def _read_box(read: ReadAt, box: Box, limit_bytes: int) -> bytes:
    if box.stop - box.start > limit_bytes:
        raise UnplayableError(f"the {box.kind!r} box has more than {limit_bytes} bytes")
    return read(box.start, box.stop)


def _add_fragments(
    read: ReadAt,
    moov: bytes,
    boxes: list[Box],
    moofs: list[Box],
    tracks: list[Track],
    file_bytes: int,
) -> None:
    mvex = find(boxes, "mvex")
    reader = FragmentReader(
        {track.track_id: track.samples for track in tracks},
        {} if mvex is None else read_defaults(moov, mvex),
        file_bytes,
    )
    for box in moofs:
        reader.add(_read_box(read, box, MOOF_BYTES_MAX), box.start)


def _read_tracks(moov: bytes, boxes: list[Box], file_bytes: int) -> list[Track]:
    timescale = _read_timescale(moov, require(boxes, "mvhd"))
    traks = [box for box in boxes if box.kind == "trak"]
    if len(traks) > TRACKS_MAX:
        raise UnplayableError(f"more than {TRACKS_MAX} tracks")
    tracks = [_read_track(moov, children(moov, trak), timescale, file_bytes) for trak in traks]
    if len({track.track_id for track in tracks}) < len(tracks):
        raise UnplayableError("two tracks have the same number")
    return tracks


def _read_track(moov: bytes, trak: list[Box], movie_timescale: int, file_bytes: int) -> Track:
    tkhd = fields_of_box(moov, require(trak, "tkhd"))
    version, _ = tkhd.version()
    tkhd.take("QQ" if version else "II")
    track_id = tkhd.number("I")
    tkhd.take("IQ" if version else "II")
    tkhd.take("QHHHH")
    matrix = tkhd.bytes(36)
    width, height = tkhd.take("II")
    mdia = children(moov, require(trak, "mdia"))
    timescale, language = _read_media_header(moov, require(mdia, "mdhd"))
    hdlr = fields_of_box(moov, require(mdia, "hdlr"))
    hdlr.take("II")
    handler = hdlr.bytes(4).decode("latin-1")
    stbl = children(moov, find_path(moov, mdia, "minf", "stbl"))
    stsd = require(stbl, "stsd")
    is_played = handler in ("vide", "soun")
    edts = find(trak, "edts")
    return Track(
        track_id=track_id,
        handler=handler,
        timescale=timescale,
        language=language,
        width=width >> 16,
        height=height >> 16,
        matrix=matrix,
        description=moov[stsd.start : stsd.stop],
        edit=_read_edit(moov, edts, movie_timescale) if edts and is_played else Edit(),
        # Text and metadata tracks are not played: their tables are not looked at.
        samples=read_samples(moov, stbl, file_bytes) if is_played else Samples(),
    )


def _read_timescale(moov: bytes, mvhd: Box) -> int:
    fields = fields_of_box(moov, mvhd)
    version, _ = fields.version()
    fields.take("QQ" if version else "II")
    return _check_timescale(fields.number("I"))


def _read_media_header(moov: bytes, mdhd: Box) -> tuple[int, str]:
    """Timescale and language (ISO/IEC 14496-12 8.4.2)."""
    fields = fields_of_box(moov, mdhd)
    version, _ = fields.version()
    fields.take("QQ" if version else "II")
    timescale = _check_timescale(fields.number("I"))
    fields.number("Q" if version else "I")
    packed = fields.number("H")
    letters = [((packed >> shift) & 31) + 0x60 for shift in (10, 5, 0)]
    if not all(ord("a") <= letter <= ord("z") for letter in letters):
        return timescale, "und"
    return timescale, "".join(map(chr, letters))


def _check_timescale(ticks: int) -> int:
    if not 1 <= ticks <= _TIMESCALE_MAX:
        raise UnplayableError(f"a timescale of {ticks} ticks a second")
    return ticks


def _read_edit(moov: bytes, edts: Box, movie_timescale: int) -> Edit:
    """Waiting, then one piece of the media (8.6.6). Raises UnplayableError for more pieces."""
    elst = find(children(moov, edts), "elst")
    if elst is None:
        return Edit()
    fields = fields_of_box(moov, elst)
    version, _ = fields.version()
    delay = Fraction(0)
    starts: list[int] = []
    for _ in range(fields.number("I")):
        duration, media_ticks = fields.take("Qq" if version else "Ii")
        rate = fields.number("i")
        if media_ticks == -1 and not starts:
            delay += Fraction(duration, movie_timescale)
            continue
        if media_ticks < 0 or rate != 1 << 16:
            raise UnplayableError("an edit list with pauses or other speeds; export the film flat")
        starts.append(media_ticks)
    if len(starts) > 1:
        raise UnplayableError("an edit list with several pieces; export the film flat")
    return Edit(delay, starts[0] if starts else 0)
