"""FFmpeg plays every form of a packaged film through an edge, and all forms are the same blocks.

Three FFmpegs, because each has a hole that is not ours: the library in PyAV has no DASH; Debian's
5.1 seeks in no HLS of MP4 fragments; the packaged 9.0 reads the first segment alone of HLS by byte
ranges over HTTP, also of playlists that it wrote itself.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from scripts.make_media import find_ffmpeg
from tests.helpers.cluster import Cluster
from tests.helpers.playback import Played, publish

FILMS = Path(__file__).parents[2] / ".." / "shared" / "data" / "films"
FORMS = ("progressive", "hls", "dash")


@pytest.fixture(scope="module")
def played(cluster: Cluster, film: Path) -> Played:
    return publish(cluster, "everywhere", film, "edge-fra")


def program(form: str) -> str:
    """The FFmpeg that reads a form whole."""
    found = shutil.which("ffmpeg") if form == "hls" else find_ffmpeg()
    if found is None:
        pytest.skip("ffmpeg is not installed")
    return found


def count_packets(url: str, stream: str, form: str = "progressive") -> int:
    """How many packets of a stream FFmpeg reads."""
    command = [program(form), "-v", "error", "-nostdin", "-i", url, "-map", f"0:{stream}:0"]
    call = subprocess.run(
        [*command, "-c", "copy", "-f", "framecrc", "-"], capture_output=True, text=True, timeout=60
    )
    assert call.returncode == 0, call.stderr
    return sum(not line.startswith("#") for line in call.stdout.splitlines())


def decode(url: str, form: str, *options: str) -> str:
    """Decode everything; what FFmpeg complains about."""
    command = [program(form), "-v", "error", "-nostdin", *options, "-i", url, "-f", "null", "-"]
    call = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert call.returncode == 0, call.stderr
    return call.stderr


@pytest.mark.parametrize("form", [*FORMS, "dash_indexed"])
def test_every_frame_is_read(played: Played, film: Path, form: str) -> None:
    for stream in ("v", "a"):
        assert count_packets(played.url(form), stream, form) == count_packets(str(film), stream)


@pytest.mark.parametrize("form", [*FORMS, "dash_indexed"])
def test_everything_decodes_without_complaint(played: Played, form: str) -> None:
    assert decode(played.url(form), form) == ""


@pytest.mark.parametrize("form", ["progressive", "dash", "dash_indexed"])
def test_rest_decodes_after_a_seek(played: Played, form: str) -> None:
    assert decode(played.url(form), form, "-ss", "17") == ""


def test_hls_seeks_to_a_sync_sample(played: Played) -> None:
    av = pytest.importorskip("av")
    with av.open(played.url("hls")) as film:
        film.seek(17_000_000)
        frames = [float(frame.time) for frame in film.decode(video=0)]
    assert 16 <= frames[0] <= 18
    assert frames == sorted(frames)
    assert frames[-1] > 29.9


@pytest.mark.parametrize("form", FORMS)
def test_ffprobe_describes_it(played: Played, form: str) -> None:
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        pytest.skip("ffprobe is not installed")
    show = ["-show_entries", "stream=codec_name", "-of", "csv=p=0", played.url(form)]
    call = subprocess.run(
        [ffprobe, "-v", "error", *show], capture_output=True, text=True, timeout=60
    )
    assert call.returncode == 0, call.stderr
    assert {"h264", "aac"} <= set(call.stdout.split())


@pytest.mark.parametrize("order", [("progressive", "hls"), ("hls", "progressive", "dash")])
def test_other_form_is_served_from_the_same_blocks(
    cluster: Cluster, film: Path, order: tuple[str, ...]
) -> None:
    fresh = publish(cluster, f"shared-{len(order)}", film, "edge-iad")
    for name in ("master.m3u8", "film.m3u8", "audio-1.m3u8", "audio-1.m4a", "manifest.mpd"):
        httpx.get(fresh.file_url(name)).raise_for_status()
    first, *others = order
    before = fresh.fill_bytes()
    decode(fresh.url(first), first)
    filled = fresh.fill_bytes()
    size = int(httpx.head(fresh.file_url("film.mp4")).headers["Content-Length"])
    assert filled - before == size
    for form in others:
        decode(fresh.url(form), form)
    assert fresh.fill_bytes() == filled


@pytest.fixture(scope="module")
def shorts() -> list[Path]:
    if not FILMS.is_dir():
        pytest.skip("the folder of real films is absent")
    return sorted(FILMS.glob("*.mp4"))


def test_real_films_play_in_every_form(cluster: Cluster, shorts: list[Path]) -> None:
    for path in shorts:
        real = publish(cluster, path.stem, path, "edge-sin")
        frames = count_packets(str(path), "v")
        for form in FORMS:
            assert count_packets(real.url(form), "v", form) == frames
            assert decode(real.url(form), form) == ""
