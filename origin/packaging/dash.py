"""DASH manifests (ISO/IEC 23009-1): a file per representation, text from plans, URLs as in `hls`.

Sound is found through the `sidx` of its file. Of pictures, there are two forms over the same bytes.
Indexed, they are found in the same way, and the manifest stays short however long the film is.
Listed, each segment is named: players that follow no index read a file from its start, where the
film is something else, and one of them takes the header of a listed representation for that of its
neighbours.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from origin.packaging.layout import Plan
from origin.packaging.renditions import (
    Package,
    Picture,
    Sound,
    Steering,
    Subtitle,
    peak_bits_per_second,
    stem,
)

_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


def format_manifest(package: Package, steering: Steering | None, *, indexed: bool = False) -> str:
    """The MPD, with the segments of pictures listed, or to be found through their index."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"'
        ' profiles="urn:mpeg:dash:profile:full:2011" type="static"'
        f' mediaPresentationDuration="PT{package.duration_seconds:.3f}S"'
        ' minBufferTime="PT4S">',
    ]
    if steering is not None:
        lines += [
            f"<ContentSteering defaultServiceLocation={quoteattr(steering.PATHWAY)}"
            ' queryBeforeStart="true">'
            f"{escape(steering.dash_url)}</ContentSteering>",
        ]
        lines += [
            f"<BaseURL serviceLocation={quoteattr(name)}>{escape(url)}</BaseURL>"
            for name, url in steering.locations.items()
        ]
    lines.append('<Period id="0" start="PT0S">')
    lines.append(
        '<AdaptationSet id="0" contentType="video" mimeType="video/mp4"'
        ' subsegmentAlignment="true" subsegmentStartsWithSAP="1">'
    )
    if not indexed:
        lines.append(_format_timeline(package.pictures[0].plan))
    named = _name_indexed if indexed else _name_listed
    lines += [_picture(each, named(each.name, each.plan)) for each in package.pictures]
    lines.append("</AdaptationSet>")
    lines += [_sound(each, number) for number, each in enumerate(package.sounds, 1)]
    first = 1 + len(package.sounds)
    lines += [_subtitle(each, number) for number, each in enumerate(package.subtitles, first)]
    return "\n".join([*lines, "</Period>", "</MPD>"]) + "\n"


def _picture(picture: Picture, segments: str) -> str:
    rate = picture.frames_per_second
    return (
        f'<Representation id={quoteattr(stem(picture.name))} codecs="{picture.format.codecs}"'
        f' width="{picture.format.width}" height="{picture.format.height}"'
        f' frameRate="{rate.numerator}/{rate.denominator}"'
        f' bandwidth="{peak_bits_per_second(picture.plan)}">'
        f"{segments}</Representation>"
    )


def _sound(sound: Sound, number: int) -> str:
    language = "" if sound.language == "und" else f' lang="{sound.language}"'
    return (
        f'<AdaptationSet id="{number}" contentType="audio" mimeType="audio/mp4"{language}'
        ' subsegmentAlignment="true" subsegmentStartsWithSAP="1">\n'
        f'<Representation id={quoteattr(stem(sound.name))} codecs="{sound.format.codecs}"'
        f' audioSamplingRate="{sound.format.rate_hz}"'
        f' bandwidth="{peak_bits_per_second(sound.plan)}">'
        f'<AudioChannelConfiguration schemeIdUri="{_CHANNELS}" value="{sound.format.channels}"/>'
        f"{_name_indexed(sound.name, sound.plan)}</Representation>\n</AdaptationSet>"
    )


def _subtitle(subtitle: Subtitle, number: int) -> str:
    return (
        f'<AdaptationSet id="{number}" contentType="text" mimeType="text/vtt"'
        f" lang={quoteattr(subtitle.language)}>\n"
        f"<Label>{escape(subtitle.label)}</Label>"
        '<Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>'
        f'<Representation id={quoteattr(stem(subtitle.name))} bandwidth="1000">'
        f"<BaseURL>{escape(subtitle.name)}</BaseURL></Representation>\n</AdaptationSet>"
    )


def _name_indexed(name: str, plan: Plan) -> str:
    return (
        f"<BaseURL>{escape(name)}</BaseURL>"
        f'<SegmentBase timescale="{plan.timescale}" indexRange="{_format_range(plan.index)}">'
        f'<Initialization range="{_format_range(plan.header)}"/></SegmentBase>'
    )


def _format_timeline(plan: Plan) -> str:
    """When segments begin, for all pictures alike: they are cut at the same moments."""
    first, *rest = plan.segments
    times = [f'<S t="{first.start_ticks}" d="{first.duration_ticks}"/>']
    times += [f'<S d="{segment.duration_ticks}"/>' for segment in rest]
    head = f'<SegmentList timescale="{plan.timescale}">\n<SegmentTimeline>'
    return "\n".join([head, *times, "</SegmentTimeline>\n</SegmentList>"])


def _name_listed(name: str, plan: Plan) -> str:
    urls = [
        f'<SegmentURL mediaRange="{_format_range((segment.start, segment.stop))}"/>'
        for segment in plan.segments
    ]
    head = f'<SegmentList><Initialization range="{_format_range(plan.header)}"/>'
    return "\n".join([f"<BaseURL>{escape(name)}</BaseURL>{head}", *urls, "</SegmentList>"])


def _format_range(interval: tuple[int, int]) -> str:
    """Ranges in DASH name their last byte."""
    return f"{interval[0]}-{interval[1] - 1}"
