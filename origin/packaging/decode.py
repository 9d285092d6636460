"""What needs a decoder: a look at the first picture and sound, other containers, stills.

Runs inside the packaging process only. The container's format is named, never guessed, so that no
file can make the library open another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.filter
from av.error import FFmpegError

from origin.packaging.boxes import UnplayableError
from origin.packaging.headers import is_iso_media
from origin.packaging.source import SourceFile

TILE_WIDTH: Final = 160
TILES_MAX: Final = 100
TILE_COLUMNS: Final = 10
TILE_SECONDS_MIN: Final = 1.0
POSTER_WIDTH_MAX: Final = 1280
_PACKETS_MAX: Final = 2000
_PLAYABLE: Final = {
    "video": frozenset({"h264", "hevc", "av1", "vp9"}),
    "audio": frozenset({"aac", "mp3", "opus", "flac", "ac3", "eac3"}),
}


@dataclass(frozen=True, slots=True)
class Storyboard:
    """Stills of a film in one picture, row by row."""

    jpeg: bytes
    moments: tuple[float, ...]
    tile_width: int
    tile_height: int


def sniff_container(head: bytes) -> str:
    """The library's name of the container with these first bytes. Raises UnplayableError."""
    if is_iso_media(head):
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:3] == b"FLV":
        return "flv"
    if head[:1] == b"\x47" and (len(head) <= 188 or head[188:189] == b"\x47"):
        return "mpegts"
    raise UnplayableError("this is no film in MP4, QuickTime, Matroska, MPEG-TS, AVI or FLV")


def open_source(source: SourceFile, container: str) -> Any:
    """The file as the library sees it. Raises UnplayableError."""
    source.seek(0)
    try:
        return av.open(source, mode="r", format=container, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise UnplayableError(f"the file cannot be opened: {_say(error)}") from None


def require_decodable(source: SourceFile, container: str) -> None:
    """Decode the first picture and the first sound of each track. Raises UnplayableError."""
    with open_source(source, container) as film:
        wanted = {
            stream.index: stream
            for stream in film.streams
            if stream.type in _PLAYABLE and not stream.disposition & 0x400  # a cover
        }
        if not any(stream.type == "video" for stream in wanted.values()):
            raise UnplayableError("the file has no pictures")
        for stream in wanted.values():
            name = stream.codec_context.name if stream.codec_context else "an unknown codec"
            codec = stream.codec_context.codec.canonical_name if stream.codec_context else name
            if codec not in _PLAYABLE[stream.type]:
                raise UnplayableError(f"{stream.type} in {codec} is not played by browsers")
        _decode_firsts(film, wanted)


def _decode_firsts(film: Any, wanted: dict[int, Any]) -> None:
    left = dict(wanted)
    try:
        for number, packet in enumerate(film.demux(list(wanted.values()))):
            if number > _PACKETS_MAX or not left:
                break
            if packet.stream.index in left and packet.decode():
                del left[packet.stream.index]
    except (FFmpegError, ValueError) as error:
        raise UnplayableError(f"the film cannot be decoded: {_say(error)}") from None
    if left:
        kinds = ", ".join(sorted(stream.type for stream in left.values()))
        raise UnplayableError(f"no first frame can be decoded of: {kinds}")


def remux(source: SourceFile, container: str, target: Path) -> None:
    """Put the streams into an MP4 without touching them. Raises UnplayableError."""
    with open_source(source, container) as film, av.open(str(target), "w", format="mp4") as out:
        streams = {}
        for stream in film.streams:
            if stream.type in _PLAYABLE and not stream.disposition & 0x400:
                streams[stream.index] = out.add_stream_from_template(stream)
        try:
            wanted = [film.streams[index] for index in streams]
            for packet in _with_decode_times(film.demux(wanted)):
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
        except (FFmpegError, ValueError) as error:
            raise UnplayableError(f"the film does not fit into MP4: {_say(error)}") from None


def _with_decode_times(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets that all say when they are decoded.

    Matroska does not, so the first ones of a stream with pictures out of order come without; they
    are counted back from the first one that has a time.
    """
    waiting: dict[int, list[Any]] = {}
    for packet in packets:
        held = waiting.setdefault(packet.stream.index, [])
        if packet.pts is None and packet.dts is None:
            continue
        if packet.dts is None:
            held.append(packet)
            continue
        for number, earlier in enumerate(held):
            earlier.dts = packet.dts - (len(held) - number) * (earlier.duration or 1)
            yield earlier
        held.clear()
        yield packet


def take_poster(source: SourceFile, container: str) -> bytes:
    """A JPEG of the picture a tenth into the film. Raises UnplayableError."""
    with open_source(source, container) as film:
        moment = _duration_seconds(film) / 10
        for frame in _stills(film, [moment]):
            width = min(frame.width, POSTER_WIDTH_MAX) // 2 * 2
            height = max(2, round(frame.height * width / frame.width / 2) * 2)
            return _encode_jpeg(frame.reformat(width, height, "yuvj420p"))
    raise UnplayableError("no picture can be decoded")


def take_storyboard(source: SourceFile, container: str) -> Storyboard:
    """Stills at even distances. Raises UnplayableError."""
    with open_source(source, container) as film:
        duration = _duration_seconds(film)
        distance = max(TILE_SECONDS_MIN, duration / TILES_MAX)
        count = max(1, min(TILES_MAX, int(duration / distance)))
        moments = [number * distance for number in range(count)]
        stream = film.streams.video[0]
        height = max(2, round(TILE_WIDTH * stream.height / stream.width / 2) * 2)
        columns = min(TILE_COLUMNS, count)
        rows = -(-count // columns)
        graph = _make_tiler(columns, rows, height)
        shown = 0
        for frame in _stills(film, moments):
            still = frame.reformat(TILE_WIDTH, height, "yuvj420p")
            still.pts, still.time_base = shown, Fraction(1, 1)
            graph.push(still)
            shown += 1
        graph.push(None)
        jpeg = _encode_jpeg(graph.pull())
    return Storyboard(jpeg, (*moments[:shown], duration), TILE_WIDTH, height)


def _make_tiler(columns: int, rows: int, height: int) -> Any:
    graph = av.filter.Graph()
    size = f"{TILE_WIDTH}x{height}"
    source = graph.add(
        "buffer", f"video_size={size}:pix_fmt=yuvj420p:time_base=1/1:pixel_aspect=1/1"
    )
    tile = graph.add("tile", f"{columns}x{rows}")
    sink = graph.add("buffersink")
    source.link_to(tile)
    tile.link_to(sink)
    graph.configure()
    return graph


def _stills(film: Any, moments: list[float]) -> Iterator[Any]:
    """The last picture that stands alone at or before each moment, or the first."""
    stream = film.streams.video[0]
    stream.codec_context.skip_frame = "NONKEY"
    start = stream.start_time or 0
    for moment in moments:
        try:
            film.seek(start + int(moment / stream.time_base), stream=stream)
            frame = next(film.decode(stream), None)
        except (FFmpegError, ValueError) as error:
            raise UnplayableError(f"the film cannot be decoded: {_say(error)}") from None
        if frame is not None:
            yield frame


def _duration_seconds(film: Any) -> float:
    return float(film.duration or 0) / 1_000_000


def _encode_jpeg(frame: Any) -> bytes:
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height = frame.width, frame.height
    context.pix_fmt = "yuvj420p"
    context.time_base = Fraction(1, 25)
    context.options = {"qscale": "4"}
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _say(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error))[:200]
