"""HLS playlists over byte ranges (RFC 8216, draft-pantos-hls-rfc8216bis): text from plans.

Every URL is relative to the playlist, so that a token in the path stays in it; the steering server
alone is absolute, being another host.
"""

from __future__ import annotations

from math import ceil

from origin.packaging.layout import Plan
from origin.packaging.renditions import (
    Package,
    Picture,
    Sound,
    Steering,
    Subtitle,
    average_bits_per_second,
    peak_bits_per_second,
    stem,
)

_HEAD = "#EXTM3U\n#EXT-X-VERSION:7\n"


def format_master(package: Package, steering: Steering | None) -> str:
    """The multivariant playlist."""
    lines = [_HEAD.rstrip("\n"), "#EXT-X-INDEPENDENT-SEGMENTS"]
    if steering is not None:
        uri = steering.hls_url
        lines.append(f'#EXT-X-CONTENT-STEERING:SERVER-URI="{uri}",PATHWAY-ID="{steering.PATHWAY}"')
    lines += [_sound_line(sound, not number) for number, sound in enumerate(package.sounds)]
    lines += [_subtitle_line(each) for each in package.subtitles]
    for picture in package.pictures:
        lines.append(_variant_line(picture, package, steering))
        lines.append(playlist_name(picture.name))
    return "\n".join(lines) + "\n"


def playlist_name(file_name: str) -> str:
    """The media playlist of a file."""
    return f"{stem(file_name)}.m3u8"


def format_media(file_name: str, plan: Plan) -> str:
    """The media playlist of a file of fragments."""
    durations = [segment.duration_ticks / plan.timescale for segment in plan.segments]
    start, stop = plan.header
    lines = [
        f"#EXT-X-TARGETDURATION:{max(1, ceil(max(durations)))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{file_name}",BYTERANGE="{stop - start}@{start}"',
    ]
    for segment, duration in zip(plan.segments, durations, strict=True):
        lines += [
            f"#EXTINF:{duration:.6f},",
            f"#EXT-X-BYTERANGE:{segment.stop - segment.start}@{segment.start}",
            file_name,
        ]
    return _HEAD + "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def format_subtitle(subtitle: Subtitle, duration_seconds: float) -> str:
    """The media playlist of a WebVTT file: one segment (RFC 8216 3.5)."""
    return (
        f"{_HEAD}#EXT-X-TARGETDURATION:{max(1, ceil(duration_seconds))}\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXTINF:{duration_seconds:.3f},\n{subtitle.name}\n#EXT-X-ENDLIST\n"
    )


def _sound_line(sound: Sound, default: bool) -> str:
    language = "" if sound.language == "und" else f',LANGUAGE="{sound.language}"'
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="{stem(sound.name)}"{language},'
        f"DEFAULT={'YES' if default else 'NO'},AUTOSELECT=YES,"
        f'CHANNELS="{sound.format.channels}",URI="{playlist_name(sound.name)}"'
    )


def _subtitle_line(subtitle: Subtitle) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="{subtitle.label}",'
        f'LANGUAGE="{subtitle.language}",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,'
        f'URI="{playlist_name(subtitle.name)}"'
    )


def _variant_line(picture: Picture, package: Package, steering: Steering | None) -> str:
    sounds = package.sounds
    peak = peak_bits_per_second(picture.plan) + max(
        (peak_bits_per_second(sound.plan) for sound in sounds), default=0
    )
    average = average_bits_per_second(picture.plan) + max(
        (average_bits_per_second(sound.plan) for sound in sounds), default=0
    )
    codecs = dict.fromkeys([picture.format.codecs, *(sound.format.codecs for sound in sounds)])
    attributes = [
        f"BANDWIDTH={peak}",
        f"AVERAGE-BANDWIDTH={average}",
        f'CODECS="{",".join(codecs)}"',
        f"RESOLUTION={picture.format.width}x{picture.format.height}",
        f"FRAME-RATE={float(picture.frames_per_second):.3f}",
        *(['AUDIO="audio"'] if sounds else []),
        *(['SUBTITLES="subtitles"'] if package.subtitles else []),
    ]
    if steering is not None:
        attributes += [
            f'PATHWAY-ID="{steering.PATHWAY}"',
            f'STABLE-VARIANT-ID="{stem(picture.name)}"',
        ]
    return "#EXT-X-STREAM-INF:" + ",".join(attributes)
