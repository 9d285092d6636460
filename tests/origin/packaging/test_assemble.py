"""A package is whole: every file that something names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from origin.packaging.assemble import Assembly, Settings, assemble
from origin.packaging.source import SourceFile
from tests.origin.packaging.conftest import Films, movie_of
from tests.origin.packaging.shelf import Folder

pytest.importorskip("av")

SETTINGS = Settings(
    segment_seconds=2,
    router_url="http://router",
    prefix="play/a/1/",
    subtitles=(("en", "English", "WEBVTT\n\n"),),
)


def run(
    films: Films, name: str, tmp_path: Path, settings: Settings, *, has_decoder: bool = True
) -> tuple[dict[str, Any], Folder]:
    data = films.data(name)
    folder = Folder(tmp_path / "out")
    folder.path.mkdir()

    def read(start: int, stop: int) -> bytes:
        return data[start:stop]

    assembly = Assembly(movie_of(data), read, lambda: SourceFile(read, len(data)), tmp_path, folder)
    return assemble(assembly, settings, has_decoder=has_decoder), folder


def test_every_file_that_is_named_is_there(films: Films, tmp_path: Path) -> None:
    described, folder = run(films, "two.mp4", tmp_path, SETTINGS)
    names = set(folder.names)
    for member in (
        "progressive",
        "hls",
        "dash",
        "dash_indexed",
        "poster",
        "storyboard",
        "thumbnails",
    ):
        assert described[member] in names
    for playlist in (name for name in names if name.endswith("m3u8")):
        text = (folder.path / playlist).read_text()
        named = re.findall(r'(?<!-)URI="([^"]+)"', text) + re.findall(r"^[^#\n].*$", text, re.M)
        assert set(named) <= names
    for manifest in ("manifest.mpd", "indexed.mpd"):
        text = (folder.path / manifest).read_text()
        assert {*re.findall(r"<BaseURL>([^<]+)</BaseURL>", text)} <= names
    assert (
        "/v1/steering/hls/play/a/1/master.m3u8?pathways=base"
        in (folder.path / "master.m3u8").read_text()
    )
    assert folder.done[-1] == 1


def test_rungs_are_cut_where_the_film_is_cut(films: Films, tmp_path: Path) -> None:
    settings = Settings(segment_seconds=2, rungs=("240p",), pictures=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            __import__("origin.packaging.ladder", fromlist=["RUNGS"]).RUNGS, "240p", (54, 100_000)
        )
        described, folder = run(films, "plain.mp4", tmp_path, settings)
    film, rung = described["video"]
    assert (rung["name"], rung["height"], rung["width"]) == ("video-240p.mp4", 54, 96)
    assert rung["segments"] == film["segments"] == 3
    durations = [
        re.findall(r"#EXTINF:([\d.]+)", (folder.path / name).read_text())
        for name in ("film.m3u8", "video-240p.m3u8")
    ]
    assert durations[0] == durations[1]


def test_rungs_as_large_as_the_film_are_left_out(films: Films, tmp_path: Path) -> None:
    settings = Settings(rungs=("240p", "1080p"), pictures=False)
    described, _ = run(films, "plain.mp4", tmp_path, settings)
    assert [each["name"] for each in described["video"]] == ["film.mp4"]


def test_without_a_decoder_there_are_no_pictures(films: Films, tmp_path: Path) -> None:
    described, folder = run(films, "silent.mp4", tmp_path, SETTINGS, has_decoder=False)
    assert "poster" not in described
    assert described["audio"] == []
    assert "poster.jpg" not in folder.names


def test_settings_come_from_a_job() -> None:
    members = {
        "segment_seconds": 3,
        "rungs": ["240p"],
        "pictures": False,
        "router_url": "",
        "prefix": "p/",
        "subtitles": [["en", "E", "WEBVTT"]],
    }
    parsed = Settings.parse(members)
    assert parsed == Settings(3.0, ("240p",), False, "", "p/", (("en", "E", "WEBVTT"),))
    assert parsed.steering is None
