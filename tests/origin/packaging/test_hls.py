"""Playlists say what the plans say (RFC 8216)."""

from __future__ import annotations

import re

import pytest

from origin.packaging.hls import format_master, format_media, format_subtitle, playlist_name
from origin.packaging.renditions import Steering
from tests.origin.packaging.conftest import Films
from tests.origin.packaging.worlds import pack


def test_byte_ranges_are_the_segments(films: Films) -> None:
    plan = pack(films.data("plain.mp4")).film
    text = format_media("film.mp4", plan)
    ranges = [
        (int(start), int(start) + int(length))
        for length, start in re.findall(r"^#EXT-X-BYTERANGE:(\d+)@(\d+)$", text, re.M)
    ]
    assert ranges == [(segment.start, segment.stop) for segment in plan.segments]
    (length, start) = re.findall(
        r'^#EXT-X-MAP:URI="film.mp4",BYTERANGE="(\d+)@(\d+)"$', text, re.M
    )[0]
    assert (int(start), int(start) + int(length)) == plan.header
    assert text.endswith("#EXT-X-ENDLIST\n")


def test_durations_sum_and_none_exceeds_the_target(films: Films) -> None:
    text = format_media("film.mp4", pack(films.data("plain.mp4")).film)
    durations = [float(each) for each in re.findall(r"^#EXTINF:([\d.]+),$", text, re.M)]
    (target,) = re.findall(r"^#EXT-X-TARGETDURATION:(\d+)$", text, re.M)
    assert sum(durations) == pytest.approx(6)
    assert max(durations) <= int(target)


def test_master_names_every_rendition_by_relative_urls(films: Films) -> None:
    text = format_master(pack(films.data("two.mp4")).package(), None)
    assert "STEERING" not in text
    assert text.count("TYPE=AUDIO") == 2
    assert text.count("DEFAULT=YES") == 1
    assert re.findall(r'URI="([^"]+)"', text) == [
        "audio-1.m3u8",
        "audio-2.m3u8",
        "subtitles-1.m3u8",
    ]
    assert text.splitlines()[-1] == "film.m3u8"
    assert re.search(r'CODECS="avc1\.\w+,mp4a\.40\.2",RESOLUTION=192x108,FRAME-RATE=25\.000', text)


def test_steering_names_server_and_pathway(films: Films) -> None:
    steering = Steering("http://router", "play/a/1/")
    text = format_master(pack(films.data("plain.mp4")).package(), steering)
    server = "http://router/v1/steering/hls/play/a/1/master.m3u8?pathways=base"
    assert f'#EXT-X-CONTENT-STEERING:SERVER-URI="{server}",PATHWAY-ID="base"' in text
    assert 'PATHWAY-ID="base",STABLE-VARIANT-ID="film"' in text


def test_subtitles_are_one_segment(films: Films) -> None:
    subtitle = pack(films.data("plain.mp4")).package().subtitles[0]
    text = format_subtitle(subtitle, 6.5)
    assert "#EXTINF:6.500,\nsubtitles-1.vtt\n" in text
    assert "#EXT-X-TARGETDURATION:7\n" in text
    assert playlist_name("subtitles-1.vtt") == "subtitles-1.m3u8"
