"""A DASH manifest for the on-demand profile (ISO/IEC 23009-1 8.3): one file per representation,
found through its `sidx`. Text from plans; URLs as in `hls`.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from origin.packaging.layout import Plan
from origin.packaging.renditions import (
    MANIFEST,
    Package,
    Picture,
    Sound,
    Steering,
    Subtitle,
    peak_bits_per_second,
    stem,
)

_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


def format_manifest(package: Package, steering: Steering | None) -> str:
    """The MPD."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"'
        ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static"'
        f' mediaPresentationDuration="PT{package.duration_seconds:.3f}S"'
        ' minBufferTime="PT4S">',
    ]
    if steering is not None:
        lines += [
            f"<ContentSteering defaultServiceLocation={quoteattr(steering.PATHWAY)}"
            ' queryBeforeStart="false">'
            f"{escape(steering.url('dash', MANIFEST))}</ContentSteering>",
            f"<BaseURL serviceLocation={quoteattr(steering.PATHWAY)}>./</BaseURL>",
        ]
    lines.append('<Period id="0" start="PT0S">')
    lines.append(
        '<AdaptationSet id="0" contentType="video" mimeType="video/mp4"'
        ' subsegmentAlignment="true" subsegmentStartsWithSAP="1">'
    )
    lines += [_picture(each) for each in package.pictures]
    lines.append("</AdaptationSet>")
    lines += [_sound(each, number) for number, each in enumerate(package.sounds, 1)]
    first = 1 + len(package.sounds)
    lines += [_subtitle(each, number) for number, each in enumerate(package.subtitles, first)]
    return "\n".join([*lines, "</Period>", "</MPD>"]) + "\n"


def _picture(picture: Picture) -> str:
    rate = picture.frames_per_second
    return (
        f'<Representation id={quoteattr(stem(picture.name))} codecs="{picture.format.codecs}"'
        f' width="{picture.format.width}" height="{picture.format.height}"'
        f' frameRate="{rate.numerator}/{rate.denominator}"'
        f' bandwidth="{peak_bits_per_second(picture.plan)}">'
        f"{_base(picture.name, picture.plan)}</Representation>"
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
        f"{_base(sound.name, sound.plan)}</Representation>\n</AdaptationSet>"
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


def _base(name: str, plan: Plan) -> str:
    """Ranges in DASH name their last byte."""
    header, index = plan.header, plan.index
    return (
        f"<BaseURL>{escape(name)}</BaseURL>"
        f'<SegmentBase timescale="{plan.timescale}" indexRange="{index[0]}-{index[1] - 1}">'
        f'<Initialization range="{header[0]}-{header[1] - 1}"/></SegmentBase>'
    )
