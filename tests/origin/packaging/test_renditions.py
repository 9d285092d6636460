"""What a package offers, in numbers."""

from __future__ import annotations

from origin.packaging.layout import Plan, Segment
from origin.packaging.renditions import (
    Steering,
    average_bits_per_second,
    content_type_of,
    describe_package,
    peak_bits_per_second,
)
from tests.origin.packaging.conftest import Films
from tests.origin.packaging.worlds import pack

PLAN = Plan(600, (), (0, 50), (50, 100), (Segment(100, 200, 0, 10), Segment(200, 600, 10, 20)), 10)


def test_peak_and_average_are_those_of_segments() -> None:
    assert peak_bits_per_second(PLAN) == 400 * 8 // 2
    assert average_bits_per_second(PLAN) == 500 * 8 // 3


def test_media_types_follow_the_suffix() -> None:
    assert content_type_of("film.mp4") == "video/mp4"
    assert content_type_of("audio-1.m4a") == "audio/mp4"


def test_steering_urls_are_absolute_and_name_the_pathways_that_are_there() -> None:
    steering = Steering("https://router", "play/a/1/")
    server = "https://router/v1/steering"
    assert steering.hls_url == f"{server}/hls/play/a/1/master.m3u8?pathways=base"
    assert steering.dash_url == f"{server}/dash/play/a/1/manifest.mpd?pathways=router,base"
    assert steering.locations == {"base": "./", "router": "https://router/play/a/1/"}


def test_package_is_described(films: Films) -> None:
    described = describe_package(pack(films.data("plain.mp4")).package())
    assert described["video"][0]["segments"] == 3
    assert described["audio"][0]["language"] == "eng"
    assert described["subtitles"][0]["label"] == "English & more"
