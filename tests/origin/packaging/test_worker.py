"""The packaging process confines itself, and ends when the origin does."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from origin.packaging import frames, worker
from origin.packaging.boxes import UnplayableError
from origin.packaging.worker import Channel

ROOT = Path(__file__).parents[3]


def test_process_ends_when_the_origin_is_gone() -> None:
    call = subprocess.run(
        [sys.executable, "-m", "origin.packaging.worker"],
        input=frames.make_json_frame(frames.Kind.BEGIN, {"size_bytes": 10, "mode": "verify"}),
        capture_output=True,
        cwd=ROOT,
        timeout=30,
    )
    assert call.returncode == 1
    assert call.stdout == frames.make_read(0, 10)


def test_process_gives_up_what_it_does_not_need() -> None:
    code = (
        "import os, resource; from origin.packaging import worker; worker.confine();"
        "print(os.nice(0), resource.getrlimit(resource.RLIMIT_CORE)[0],"
        "resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    call = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=30
    )
    niceness, core, memory, files = map(int, call.stdout.split())
    assert niceness >= worker.NICENESS
    assert (core, memory, files) == (0, worker.MEMORY_BYTES_MAX, worker.FILES_MAX)


def test_channel_writes_large_files_in_frames() -> None:
    writer = io.BytesIO()
    Channel(io.BytesIO(), writer).write(bytes(frames.READ_BYTES_MAX + 1))
    heads = []
    writer.seek(0)
    while head := writer.read(frames.HEAD_BYTES):
        kind, length = frames.parse_frame_head(head)
        heads.append((kind, length))
        writer.seek(length, io.SEEK_CUR)
    assert heads == [(frames.Kind.DATA, frames.READ_BYTES_MAX), (frames.Kind.DATA, 1)]


def test_short_answer_of_the_origin_is_noticed() -> None:
    answer = frames.make_frame(frames.Kind.BYTES, b"123")
    with pytest.raises(EOFError):
        Channel(io.BytesIO(answer), io.BytesIO()).read_at(0, 4)
    with pytest.raises(EOFError):
        Channel(io.BytesIO(b""), io.BytesIO()).receive(frames.Kind.BEGIN)


def test_without_a_decoder_other_containers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "has_decoder", lambda: False)
    answer = frames.make_frame(frames.Kind.BYTES, b"\x1a\x45\xdf\xa3" + bytes(16))
    with pytest.raises(UnplayableError, match="extra 'media'"):
        worker.verify(Channel(io.BytesIO(answer), io.BytesIO()), 20)
