"""`python -m origin.packaging.worker`: looks at one film, or packages it, at the end of two pipes.

A process of its own, because it works on what strangers made: nice, without core files, with little
memory and few files, and with no secret in its environment. It ends when the origin does.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from origin.packaging import frames
from origin.packaging.assemble import Assembly, Settings, assemble
from origin.packaging.boxes import UnplayableError
from origin.packaging.headers import is_iso_media, read_movie
from origin.packaging.judge import judge
from origin.packaging.source import SourceFile, Windows

MEMORY_BYTES_MAX: Final = 6 * 1024**3
FILES_MAX: Final = 128
NICENESS: Final = 10


class Channel:
    """The pipes to the origin."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader = reader
        self._writer = writer

    def receive(self, expected: frames.Kind) -> bytes:
        """The body of the next frame. Raises EOFError when the origin is gone."""
        kind, length = frames.parse_frame_head(self._exactly(frames.HEAD_BYTES))
        if kind is not expected:
            raise EOFError(f"the origin says {kind.name}")
        return self._exactly(length)

    def read_at(self, start: int, stop: int) -> bytes:
        """Bytes of the source."""
        self.send(frames.make_read(start, stop))
        data = self.receive(frames.Kind.BYTES)
        if len(data) != stop - start:
            raise EOFError("the origin has no more bytes")
        return data

    def send(self, frame: bytes) -> None:
        """Say something."""
        self._writer.write(frame)
        self._writer.flush()

    def progress(self, done: float) -> None:
        """Say how far it is."""
        self.send(frames.make_json_frame(frames.Kind.PROGRESS, {"done": round(done, 4)}))

    def create(self, name: str, size_bytes: int) -> None:
        """Begin a file."""
        body = {"name": name, "size_bytes": size_bytes}
        self.send(frames.make_json_frame(frames.Kind.CREATE, body))

    def write(self, data: bytes) -> None:
        """More of that file."""
        for start in range(0, len(data), frames.READ_BYTES_MAX):
            part = data[start : start + frames.READ_BYTES_MAX]
            self.send(frames.make_frame(frames.Kind.DATA, part))

    def end(self) -> None:
        """That file is whole."""
        self.send(frames.make_frame(frames.Kind.END))

    def _exactly(self, length: int) -> bytes:
        data = self._reader.read(length)
        if len(data) < length:
            raise EOFError("the origin is gone")
        return data


@dataclass(frozen=True, slots=True)
class _Film:
    """The source, or what was made of it to be able to read it."""

    windows: Windows
    size_bytes: int
    container: str

    def file(self) -> SourceFile:
        return SourceFile(self.windows.read, self.size_bytes)


def verify(channel: Channel, size_bytes: int) -> dict[str, Any]:
    """What the film is. Raises UnplayableError."""
    film = _open(channel, size_bytes)
    if film.container == "mp4":
        facts = judge(read_movie(film.windows.read, size_bytes), film.container)
    else:
        facts = {"container": film.container}
    if has_decoder():
        decode = importlib.import_module("origin.packaging.decode")
        decode.require_decodable(film.file(), film.container)
    return facts


def package(channel: Channel, size_bytes: int, settings: Settings, scratch: Path) -> dict[str, Any]:
    """Write every file of the package; what it offers. Raises UnplayableError."""
    film = _open(channel, size_bytes)
    if film.container != "mp4":
        film = _convert(film, scratch)
    movie = read_movie(film.windows.read, film.size_bytes)
    facts = judge(movie, film.container)
    assembly = Assembly(movie, film.windows.read, film.file, scratch, channel)
    return {"facts": facts, **assemble(assembly, settings, has_decoder=has_decoder())}


def has_decoder() -> bool:
    """Whether the `media` extra is installed."""
    return importlib.util.find_spec("av") is not None


def _open(channel: Channel, size_bytes: int) -> _Film:
    windows = Windows(channel.read_at, size_bytes)
    head = windows.read(0, min(192, size_bytes))
    if is_iso_media(head):
        return _Film(windows, size_bytes, "mp4")
    if not has_decoder():
        raise UnplayableError("only MP4 and QuickTime are read without the extra 'media'")
    decode = importlib.import_module("origin.packaging.decode")
    return _Film(windows, size_bytes, decode.sniff_container(head))


def _convert(film: _Film, scratch: Path) -> _Film:
    decode = importlib.import_module("origin.packaging.decode")
    path = scratch / "source.mp4"
    decode.remux(film.file(), film.container, path)
    file = path.open("rb")

    def read_at(start: int, stop: int) -> bytes:
        return os.pread(file.fileno(), stop - start, start)

    size_bytes = path.stat().st_size
    return _Film(Windows(read_at, size_bytes), size_bytes, "mp4")


def confine() -> None:
    """Give up what this process does not need."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))


def main(arguments: Sequence[str]) -> int:
    """Do one job; the exit status of the process."""
    # Whatever a library prints must not get between the frames.
    writer = os.fdopen(os.dup(1), "wb", buffering=0x100000)
    os.dup2(2, 1)
    channel = Channel(sys.stdin.buffer, writer)
    confine()
    job = frames.parse_object(channel.receive(frames.Kind.BEGIN))
    size_bytes = int(job["size_bytes"])
    try:
        if job["mode"] == "verify":
            result = verify(channel, size_bytes)
        else:
            with tempfile.TemporaryDirectory(dir=job["scratch"]) as scratch:
                settings = Settings.parse(job["settings"])
                result = package(channel, size_bytes, settings, Path(scratch))
    except UnplayableError as error:
        channel.send(frames.make_json_frame(frames.Kind.REFUSED, {"reason": error.detail}))
        return 0
    except (EOFError, BrokenPipeError):
        return 1
    channel.send(frames.make_json_frame(frames.Kind.RESULT, result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
