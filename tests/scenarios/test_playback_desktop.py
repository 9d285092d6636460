"""mpv, VLC and GStreamer of Debian play and seek through an edge, without a screen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.cluster import Cluster
from tests.helpers.playback import Played, publish
from tests.helpers.processes import wait_until

FORMS = ("progressive", "hls", "dash", "dash_indexed")
NOBODY = 65534


@pytest.fixture(scope="module")
def played(cluster: Cluster, film: Path) -> Played:
    return publish(cluster, "desktop", film, "edge-fra")


def find(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def run(command: Sequence[str], seconds: float = 60) -> str:
    """What a player says; it ends well."""
    call = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    said = call.stdout + call.stderr
    assert call.returncode == 0, said[-2000:]
    return said


def seeks_in_hls(mpv: str) -> bool:
    """FFmpeg before 6 goes on with the samples of the first fragment after any seek in HLS."""
    found = re.search(r"^FFmpeg version: (\d+)", run([mpv, "--version"]), re.M)
    return found is not None and int(found[1]) >= 6


@pytest.mark.parametrize("form", ["progressive", "hls", "dash"])
def test_mpv_plays_from_the_middle(played: Played, tmp_path: Path, form: str) -> None:
    start = 24 if form != "hls" or seeks_in_hls(find("mpv")) else 0
    heard = tmp_path / "heard"
    options = ["--no-config", "--vo=null", "--length=4", "--msg-level=all=error"]
    options += ["--ao=pcm", f"--ao-pcm-file={heard}", "--ao-pcm-waveheader=no"]
    options += ["--audio-format=s16", "--audio-samplerate=48000", "--audio-channels=stereo"]
    options += [f"--start={start}"] if start else []
    said = run([find("mpv"), *options, played.url(form)])
    assert "rror" not in said, said[-500:]
    assert 3.5 < heard.stat().st_size / (48000 * 4) < 4.5


@pytest.mark.parametrize("form", FORMS)
def test_gstreamer_plays_from_the_middle_to_the_end(played: Played, form: str) -> None:
    sinks = ["--videosink=fakesink sync=true", "--audiosink=fakesink sync=true"]
    began = time.monotonic()
    said = run(
        [find("gst-play-1.0"), "--no-interactive", *sinks, "--start-position=25", played.url(form)]
    )
    assert 4 < time.monotonic() - began < 20
    assert "0:00:29" in said or "0:00:30" in said
    assert "ERROR" not in said


class Vlc:
    """VLC under remote control; it refuses to run as root."""

    def __init__(self, url: str) -> None:
        home = tempfile.mkdtemp()
        os.chmod(home, 0o777)
        self._home = home
        options = ["--intf", "oldrc", "--rc-fake-tty", "--no-dbus", "--vout", "dummy"]
        self._process = subprocess.Popen(
            [find("cvlc"), *options, "--aout", "dummy", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            env={**os.environ, "HOME": home, "XDG_RUNTIME_DIR": home},
            user=NOBODY if os.geteuid() == 0 else None,
            group=NOBODY if os.geteuid() == 0 else None,
        )
        self._lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(line.strip() for line in self._process.stdout)

    def say(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def second(self) -> int:
        """Where it plays now; -1 when it does not say."""
        before = len(self._lines)
        self.say("get_time")
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            for line in self._lines[before:]:
                if line.isdigit():
                    return int(line)
            time.sleep(0.05)
        return -1

    def lost_frames(self) -> tuple[int, int]:
        """Frames shown and lost."""
        self.say("stats")
        wanted = ("frames displayed", "frames lost")

        def told() -> bool:
            return all(any(name in line for line in self._lines) for name in wanted)

        wait_until(told, "VLC tells its frames", 10)
        found = [
            next(line for line in reversed(self._lines) if name in line).rpartition(":")[2]
            for name in wanted
        ]
        return int(found[0]), int(found[1])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.mark.alone
@pytest.mark.parametrize("form", FORMS)
def test_vlc_plays_and_seeks(played: Played, form: str) -> None:
    find("cvlc")
    vlc = Vlc(played.url(form))
    try:
        wait_until(lambda: vlc.second() >= 1, "VLC plays", 20)
        vlc.say("seek 22")
        wait_until(lambda: 23 <= vlc.second() <= 29, "VLC plays on after the seek", 20)
        shown, lost = vlc.lost_frames()
        assert shown > 24
        assert lost <= shown // 10
    finally:
        vlc.end()
