"""What a package offers: pictures in several sizes, sounds, subtitles, each with its file.

The common ground of `hls`, `dash` and the job's row; says nothing about how either writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from cdnkit.wire import BASE_PATHWAY, ROUTED_PATHWAY
from origin.packaging.codecs import AudioFormat, VideoFormat
from origin.packaging.layout import Plan, Segment

MASTER: Final = "master.m3u8"
MANIFEST: Final = "manifest.mpd"
INDEXED: Final = "indexed.mpd"

CONTENT_TYPES: Final = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "mp4": "video/mp4",
    "m4a": "audio/mp4",
    "vtt": "text/vtt; charset=utf-8",
    "jpg": "image/jpeg",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A video rendition."""

    name: str
    format: VideoFormat
    frames_per_second: Fraction
    plan: Plan


@dataclass(frozen=True, slots=True)
class Sound:
    """An audio rendition."""

    name: str
    format: AudioFormat
    language: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A WebVTT file."""

    name: str
    language: str
    label: str


@dataclass(frozen=True, slots=True)
class Package:
    """Everything that is offered; the first picture is the film itself."""

    pictures: tuple[Picture, ...]
    sounds: tuple[Sound, ...]
    subtitles: tuple[Subtitle, ...]
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class Steering:
    """Where players ask which edge to use: base URL of the router and folder of the playlist.

    The router is told which pathways the playlist has, so that edges become clones of the first.
    """

    router_url: str
    prefix: str

    PATHWAY = BASE_PATHWAY

    @property
    def hls_url(self) -> str:
        """The steering manifest for HLS; absolute, because the router is another host."""
        return f"{self.router_url}/v1/steering/hls/{self.prefix}{MASTER}?pathways={self.PATHWAY}"

    @property
    def dash_url(self) -> str:
        """The steering manifest for DASH."""
        listed = f"{ROUTED_PATHWAY},{self.PATHWAY}"
        return f"{self.router_url}/v1/steering/dash/{self.prefix}{MANIFEST}?pathways={listed}"

    @property
    def locations(self) -> dict[str, str]:
        """Base URLs of an MPD by service location, the first for players that do not steer.

        Players make clones by putting another host into an absolute URL; a relative one, which
        keeps a token that stands in the path, is fatal to some.
        """
        routed = f"{self.router_url}/{self.prefix}"
        return {self.PATHWAY: "./", ROUTED_PATHWAY: routed}


def content_type_of(name: str) -> str:
    """The media type of a file of a package."""
    return CONTENT_TYPES[name.rpartition(".")[2]]


def stem(name: str) -> str:
    """A file name without its suffix."""
    return name.rpartition(".")[0]


def peak_bits_per_second(plan: Plan) -> int:
    """The largest rate of a segment (RFC 8216 4.3.4.2)."""
    return max(_bits_per_second(each, plan.timescale) for each in plan.segments)


def average_bits_per_second(plan: Plan) -> int:
    """Over all segments."""
    ticks = sum(segment.duration_ticks for segment in plan.segments)
    size = plan.segments[-1].stop - plan.segments[0].start
    return size * 8 * plan.timescale // max(ticks, 1)


def _bits_per_second(segment: Segment, timescale: int) -> int:
    return (segment.stop - segment.start) * 8 * timescale // max(segment.duration_ticks, 1)


def describe_package(package: Package) -> dict[str, Any]:
    """The JSON members that a job's row shows."""
    return {
        "duration_seconds": round(package.duration_seconds, 3),
        "video": [
            {
                "name": each.name,
                "codecs": each.format.codecs,
                "width": each.format.width,
                "height": each.format.height,
                "frames_per_second": round(float(each.frames_per_second), 3),
                "bits_per_second": average_bits_per_second(each.plan),
                "segments": len(each.plan.segments),
            }
            for each in package.pictures
        ],
        "audio": [
            {
                "name": each.name,
                "codecs": each.format.codecs,
                "channels": each.format.channels,
                "language": each.language,
                "bits_per_second": average_bits_per_second(each.plan),
            }
            for each in package.sounds
        ],
        "subtitles": [
            {"name": each.name, "language": each.language, "label": each.label}
            for each in package.subtitles
        ],
    }
