"""The film is real, repeatable, seekable from its first bytes, and never half there."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from cdnkit.errors import BadRequestError, UnavailableError
from scripts import make_media
from scripts.make_media import Film, encode_command, filter_graph, make_film, parse_film

SHORT = Film(seconds=3, width=320, height=180)


@pytest.fixture(scope="module")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "films" / "short.mp4"
    make_film(path, SHORT)
    return path


def top_level_boxes(data: bytes) -> list[str]:
    names, offset = [], 0
    while offset < len(data):
        size, name = struct.unpack_from(">I4s", data, offset)
        names.append(name.decode())
        offset += size
    return names


def test_index_comes_before_the_media_so_that_playing_starts_at_once(short_film: Path) -> None:
    boxes = top_level_boxes(short_film.read_bytes())
    assert boxes.index("moov") < boxes.index("mdat")


def test_same_settings_give_the_same_bytes(short_film: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    make_film(again, SHORT)
    assert again.read_bytes() == short_film.read_bytes()


def test_film_decodes_whole_with_picture_and_sound(short_film: Path) -> None:
    call = subprocess.run(
        [make_media.find_ffmpeg(), "-nostdin", "-i", str(short_film), "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Video: h264" in call.stderr
    assert "320x180" in call.stderr
    assert "Audio: aac" in call.stderr
    assert "time=00:00:03.0" in call.stderr


def test_picture_moves(short_film: Path) -> None:
    command = [make_media.find_ffmpeg(), "-nostdin", "-loglevel", "error", "-i", str(short_film)]
    call = subprocess.run(
        [*command, "-an", "-f", "framemd5", "-"], capture_output=True, text=True, check=True
    )
    sums = [line.split(",")[-1] for line in call.stdout.splitlines() if not line.startswith("#")]
    assert len(sums) == SHORT.seconds * make_media.FRAMES_PER_SECOND
    assert len(set(sums)) == len(sums)


def test_failed_encoding_leaves_neither_film_nor_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_media, "find_ffmpeg", lambda: shutil.which("false"))
    with pytest.raises(UnavailableError, match=r"film\.mp4: no message"):
        make_film(tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


def test_missing_ffmpeg_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError, match="install imageio-ffmpeg"):
        make_media.find_ffmpeg()


def test_graph_is_one_line_with_every_length_filled_in() -> None:
    graph = filter_graph(Film(seconds=64))
    assert "\n" not in graph
    assert "{" not in graph
    assert "end_pts=1536" in graph


def test_keyframes_come_every_two_seconds() -> None:
    command = encode_command("ffmpeg", Film(), Path("out.mp4"))
    assert command[command.index("-g") + 1] == "48"
    assert command[command.index("-keyint_min") + 1] == "48"


@pytest.mark.parametrize("size", ["", "1280", "x720", "1281x720", "-2x4", "16x16", "1280x7_20"])
def test_size_that_no_encoder_takes_is_refused(size: str) -> None:
    with pytest.raises(BadRequestError):
        parse_film(10, size)


def test_film_without_length_is_refused() -> None:
    with pytest.raises(BadRequestError, match="one second"):
        parse_film(0, "1280x720")


def test_options_become_a_film() -> None:
    assert parse_film(10, "640x360") == Film(10, 640, 360)
