"""The manifest is XML that says what the plans say (ISO/IEC 23009-1)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from origin.packaging.dash import format_manifest
from origin.packaging.renditions import Steering
from tests.origin.packaging.conftest import Films
from tests.origin.packaging.worlds import pack

NAMES = {"": "urn:mpeg:dash:schema:mpd:2011"}


def parse(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_pictures_list_their_segments_with_times_and_ranges(films: Films) -> None:
    packed = pack(films.data("plain.mp4"))
    plan = packed.film
    mpd = parse(format_manifest(packed.package(), None))
    (timed,) = mpd.findall(".//AdaptationSet/SegmentList", NAMES)
    (listed,) = mpd.findall(".//Representation/SegmentList", NAMES)
    ranges = [url.get("mediaRange") for url in listed.findall("SegmentURL", NAMES)]
    assert ranges == [f"{segment.start}-{segment.stop - 1}" for segment in plan.segments]
    durations = [int(s.get("d", "")) for s in timed.findall("SegmentTimeline/S", NAMES)]
    assert durations == [segment.duration_ticks for segment in plan.segments]
    assert timed.get("timescale") == str(plan.timescale)
    header = listed.find("Initialization", NAMES)
    assert header is not None
    assert header.get("range") == f"{plan.header[0]}-{plan.header[1] - 1}"


def test_indexed_manifest_finds_pictures_through_their_index(films: Films) -> None:
    packed = pack(films.data("two.mp4"))
    mpd = parse(format_manifest(packed.package(), None, indexed=True))
    assert mpd.findall(".//SegmentList", NAMES) == []
    bases = mpd.findall(".//Representation/SegmentBase", NAMES)
    plans = [packed.film, *packed.tracks]
    for base, plan in zip(bases, plans, strict=True):
        assert base.get("indexRange") == f"{plan.index[0]}-{plan.index[1] - 1}"
        header = base.find("Initialization", NAMES)
        assert header is not None
        assert header.get("range") == f"{plan.header[0]}-{plan.header[1] - 1}"
    start, stop = packed.film.index
    assert packed.film_bytes[start + 4 : start + 8] == b"sidx"
    assert int.from_bytes(packed.film_bytes[start : start + 4], "big") == stop - start


def test_sound_is_found_through_its_index(films: Films) -> None:
    packed = pack(films.data("two.mp4"))
    mpd = parse(format_manifest(packed.package(), None))
    bases = mpd.findall(".//SegmentBase", NAMES)
    assert [base.get("indexRange") for base in bases] == [
        f"{plan.index[0]}-{plan.index[1] - 1}" for plan in packed.tracks
    ]
    names = [url.text for url in mpd.findall(".//Representation/BaseURL", NAMES)]
    assert names == ["film.mp4", "audio-1.m4a", "audio-2.m4a", "subtitles-1.vtt"]
    label = mpd.find(".//Label", NAMES)
    assert label is not None
    assert label.text == "English & more"


def test_steering_is_told(films: Films) -> None:
    steering = Steering("http://router", "play/a/1/")
    mpd = parse(format_manifest(pack(films.data("plain.mp4")).package(), steering))
    told = mpd.find("ContentSteering", NAMES)
    assert told is not None
    assert told.text == "http://router/v1/steering/dash/play/a/1/manifest.mpd?pathways=router,base"
    bases = [(each.get("serviceLocation"), each.text) for each in mpd.findall("BaseURL", NAMES)]
    assert bases == [("base", "./"), ("router", "http://router/play/a/1/")]
    assert told.get("defaultServiceLocation") == "base"
