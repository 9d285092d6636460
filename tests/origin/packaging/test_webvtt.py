"""Subtitles are WebVTT or are refused; thumbnails name their part of the picture."""

from __future__ import annotations

import pytest

from cdnkit.errors import BadRequestError
from origin.packaging.webvtt import check_language, check_subtitle, format_thumbnails, format_time

GOOD = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), "WEBVTT"])
def test_webvtt_is_taken(text: str) -> None:
    assert check_subtitle(text.encode()).startswith("WEBVTT")


@pytest.mark.parametrize(
    "data",
    [b"", b"WEBVTTX\n", b"1\n00:00:01,000 --> 00:00:02,000\n", b"\xff\xfe", b"WEBVTT\n\na --> b"],
)
def test_what_is_not_webvtt_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequestError):
        check_subtitle(data)


def test_languages_are_tags() -> None:
    assert check_language("pt-BR") == "pt-BR"
    for text in ("", "e", "en_US", 'en"', "english"):
        with pytest.raises(BadRequestError):
            check_language(text)


def test_thumbnails_walk_over_the_rows() -> None:
    text = format_thumbnails("s.jpg", [0, 1, 2, 3.5], 160, 90, 2)
    assert text.splitlines()[2:9] == [
        "00:00:00.000 --> 00:00:01.000",
        "s.jpg#xywh=0,0,160,90",
        "",
        "00:00:01.000 --> 00:00:02.000",
        "s.jpg#xywh=160,0,160,90",
        "",
        "00:00:02.000 --> 00:00:03.500",
    ]
    assert "s.jpg#xywh=0,90,160,90" in text


def test_times_carry_over() -> None:
    assert format_time(3599.9996) == "01:00:00.000"
    assert format_time(61.25) == "00:01:01.250"
