"""Small films of many kinds, made once by the packaged encoder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from origin.packaging.headers import read_movie
from origin.packaging.samples import Movie
from scripts.make_media import find_ffmpeg

VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=6")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6")
ENCODE = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-keyint_min", "25"),
    *("-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k"),
)
KINDS: dict[str, tuple[str, ...]] = {
    "plain.mp4": (*VIDEO, *SOUND, *ENCODE),
    "front.mp4": (*VIDEO, *SOUND, *ENCODE, "-movflags", "+faststart"),
    "fragmented.mp4": (*VIDEO, *SOUND, *ENCODE, "-movflags", "frag_keyframe+empty_moov+dash"),
    "based.mp4": (*VIDEO, *SOUND, *ENCODE, "-movflags", "frag_keyframe+empty_moov"),
    "silent.mp4": (*VIDEO, *ENCODE),
    "late.mp4": (*VIDEO, "-itsoffset", "0.5", *SOUND, *ENCODE),
    "sound.m4a": (*SOUND, "-c:a", "aac"),
    "old.mp4": (*VIDEO, "-c:v", "mpeg4"),
    "film.mkv": (*VIDEO, *SOUND, *ENCODE),
    "film.ts": (*VIDEO, *SOUND, *ENCODE),
    "two.mp4": (*VIDEO, *SOUND, *SOUND, *ENCODE, "-map", "0", "-map", "1", "-map", "2"),
}


class Films:
    """Films by name, made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """The file of a kind."""
        path = self._folder / name
        if not path.exists():
            command = [find_ffmpeg(), "-v", "error", "-nostdin", "-y", *KINDS[name], str(path)]
            subprocess.run(command, check=True)
        return path

    def data(self, name: str) -> bytes:
        """Its bytes."""
        return self.path(name).read_bytes()

    def movie(self, name: str) -> Movie:
        """What is read of it."""
        return movie_of(self.data(name))


def movie_of(data: bytes) -> Movie:
    """A movie in memory."""
    return read_movie(lambda start, stop: data[start:stop], len(data))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Films:
    """Small films of many kinds."""
    return Films(tmp_path_factory.mktemp("kinds"))
