"""The packaging process is served what it asks for, and its end is never ours."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from origin.packaging.boxes import UnplayableError
from origin.packaging.conversation import WorkerError, converse
from origin.packaging.frames import Kind, make_frame, make_json_frame
from tests.helpers.processes import is_running, wait_until
from tests.origin.packaging.conftest import Films


class Shelf:
    """Takes files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.begun: tuple[str, int, bytearray] | None = None

    async def create(self, name: str, size_bytes: int) -> None:
        self.begun = name, size_bytes, bytearray()

    async def write(self, data: bytes) -> None:
        assert self.begun is not None
        self.begun[2].extend(data)

    async def end(self) -> None:
        assert self.begun is not None
        name, size_bytes, data = self.begun
        assert len(data) == size_bytes
        self.files[name] = bytes(data)
        self.begun = None

    async def abandon(self) -> None:
        self.begun = None


def job(data: bytes, mode: str, scratch: Path) -> dict[str, Any]:
    settings = {
        "segment_seconds": 2,
        "rungs": [],
        "pictures": True,
        "router_url": "",
        "prefix": "play/a/1/",
        "subtitles": [],
    }
    return {"mode": mode, "size_bytes": len(data), "scratch": str(scratch), "settings": settings}


async def talk(data: bytes, mode: str, scratch: Path) -> tuple[dict[str, Any], Shelf, list[float]]:
    async def read(start: int, stop: int) -> AsyncIterator[bytes]:
        middle = (start + stop) // 2
        yield data[start:middle]
        yield data[middle:stop]

    shelf, progress = Shelf(), list[float]()
    result = await converse(job(data, mode, scratch), read, shelf, progress.append)
    return result, shelf, progress


@pytest.mark.parametrize("name", ["plain.mp4", "film.mkv"])
async def test_film_is_looked_at(films: Films, name: str, tmp_path: Path) -> None:
    result, shelf, _ = await talk(films.data(name), "verify", tmp_path)
    assert result["container"] == ("mp4" if name.endswith("mp4") else "matroska")
    assert shelf.files == {}


@pytest.mark.parametrize("name", ["plain.mp4", "film.mkv", "film.ts"])
async def test_film_is_packaged(films: Films, name: str, tmp_path: Path) -> None:
    result, shelf, progress = await talk(films.data(name), "package", tmp_path)
    assert set(shelf.files) == {
        *("film.mp4", "film.m3u8", "audio-1.m4a", "audio-1.m3u8", "master.m3u8", "manifest.mpd"),
        "indexed.mpd",
        *("poster.jpg", "storyboard.jpg", "thumbnails.vtt"),
    }
    assert result["hls"] == "master.m3u8"
    assert list(shelf.files)[-1] == "thumbnails.vtt"
    assert progress[-1] == 1.0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [("sound.m4a", "no pictures"), ("old.mp4", "mp4v"), ("", "no film")],
)
async def test_film_that_cannot_be_played_is_refused(
    films: Films, name: str, reason: str, tmp_path: Path
) -> None:
    data = films.data(name) if name else b"this is a text and no film" * 20
    with pytest.raises(UnplayableError, match=reason):
        await talk(data, "verify", tmp_path)


async def test_pictures_that_cannot_be_decoded_are_refused(films: Films, tmp_path: Path) -> None:
    data = bytearray(films.data("front.mp4"))
    start = data.index(b"mdat") + 4
    data[start:] = os.urandom(len(data) - start)
    with pytest.raises(UnplayableError, match="decoded"):
        await talk(bytes(data), "verify", tmp_path)


NONSENSE = (UnplayableError, "nonsense")


def program(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Put another program in the place of the packaging process."""
    package = folder / "origin" / "packaging"
    package.mkdir(parents=True)
    for path in (folder / "origin", package):
        (path / "__init__.py").touch()
    (package / "worker.py").write_text(code)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])


@pytest.mark.parametrize(
    ("code", "error", "reason"),
    [
        ("import os; os.abort()", WorkerError, "ended early"),
        ("raise SystemExit('I am lost')", WorkerError, "I am lost"),
        ("print('hello world, not a frame')", UnplayableError, "nonsense"),
        ("import time; time.sleep(60)", WorkerError, "went silent"),
        *(
            (f"import sys; sys.stdout.buffer.write({frame!r}); sys.stdout.flush()", *NONSENSE)
            for frame in (
                make_json_frame(Kind.CREATE, {}),
                make_json_frame(Kind.CREATE, {"name": "a.mp4", "size_bytes": "2"}),
                make_frame(Kind.DATA, b"film"),
                make_frame(Kind.END),
                make_json_frame(Kind.PROGRESS, {"done": []}),
                make_json_frame(Kind.PROGRESS, {"done": 7}),
            )
        ),
        (
            "import sys; sys.stdout.buffer.write(b'\\x05\\xff\\xff\\xff\\xff'); sys.stdout.flush()",
            UnplayableError,
            "too much",
        ),
    ],
)
async def test_process_that_misbehaves_is_told_apart(
    code: str,
    error: type[Exception],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program(monkeypatch, tmp_path, code)

    async def read(start: int, stop: int) -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(error, match=reason):
        await converse({}, read, Shelf(), lambda _: None, silence_seconds=2)


async def test_process_gets_no_secrets_and_ends_with_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    told.touch()
    code = (
        f"import os, time; open({str(told)!r}, 'w').write(f'{{os.getpid()}} {{dict(os.environ)}}')"
    )
    program(monkeypatch, tmp_path / "code", code + "; time.sleep(60)")
    monkeypatch.setenv("CINEDGE_SECRET", "do not tell")

    async def read(start: int, stop: int) -> AsyncIterator[bytes]:
        yield b""

    task = asyncio.create_task(converse({}, read, Shelf(), lambda _: None))
    async with asyncio.timeout(20):
        await asyncio.to_thread(wait_until, lambda: bool(told.read_text()), "it tells", 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    pid, _, environment = told.read_text().partition(" ")
    assert "do not tell" not in environment
    assert not is_running(int(pid))
