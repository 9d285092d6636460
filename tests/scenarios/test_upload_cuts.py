"""A film comes in over a line that breaks a hundred times, and arrives: every byte, once.

CINEDGE_TEST_UPLOAD_BYTES sets the size; 2147483648 is the long form that the promise is made for.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import statistics
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.processes import peak_memory_bytes
from tests.helpers.upload_origin import UploadOrigin

MIB = 1024 * 1024
SIZE = int(os.environ.get("CINEDGE_TEST_UPLOAD_BYTES", 128 * MIB)) + 12_345
CUTS = 100
SYNC_BYTES = 8 * MIB
GROWTH_MAX = 64 * MIB
KEY = "films/cut.mp4"


def in_flight_bytes_max() -> int:
    """One in-flight buffer: what the kernel may hold of a connection, and the process of a body."""
    limits = [Path(f"/proc/sys/net/ipv4/tcp_{name}mem").read_text().split()[2] for name in "wr"]
    return sum(map(int, limits)) + 2 * MIB


pytestmark = pytest.mark.timeout(90 + SIZE // MIB)


def piece(start: int, stop: int) -> bytes:
    """Bytes `[start, stop)` of a film in which no two mebibytes are alike."""
    first, last = start // MIB, -(-stop // MIB)
    blocks = b"".join(number.to_bytes(8, "big") * (MIB // 8) for number in range(first, last))
    return blocks[start - first * MIB : stop - first * MIB]


def pieces(start: int, stop: int) -> Iterator[bytes]:
    """The same, a mebibyte at a time."""
    for at in range(start, stop, MIB):
        yield piece(at, min(stop, at + MIB))


def sha256_of_film() -> str:
    digest = hashlib.sha256()
    for each in pieces(0, SIZE):
        digest.update(each)
    return digest.hexdigest()


class Line:
    """One connection to the origin, by hand: what is sent, and how it ends."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def send_head(self, method: str, path: str, **fields: str) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Tus-Resumable: 1.0.0"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def patch_head(self, path: str, offset: int, length: int) -> None:
        self.send_head(
            "PATCH",
            path,
            Content_Type="application/offset+octet-stream",
            Upload_Offset=str(offset),
            Content_Length=str(length),
        )

    def send(self, start: int, stop: int) -> int:
        """Send these bytes; how many could be, when the other side ends it."""
        sent = 0
        try:
            for each in pieces(start, stop):
                self.socket.sendall(each)
                sent += len(each)
        except OSError:
            pass
        return sent

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, fields and body."""
        file = self.socket.makefile("rb")
        status = int(file.readline().split()[1])
        fields = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        body = file.read(int(fields.get("content-length", 0))) if status != 204 else b""
        return status, fields, body

    def cut(self, *, reset: bool) -> None:
        """End it here, politely or not."""
        if reset and self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Uploader:
    """Somebody with a bad line, who does everything a client may do wrong besides."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.port = port
        self.offset = 0
        self.latencies: list[float] = []
        self.resent: list[int] = []
        self._chance = chance
        self.path = self._create()

    def _create(self) -> str:
        line = Line(self.port)
        metadata = f"key {b64encode(KEY.encode()).decode()}"
        line.send_head(
            "POST",
            "/v1/uploads",
            Upload_Length=str(SIZE),
            Upload_Metadata=metadata,
            Content_Length="0",
        )
        status, fields, _ = line.answer()
        assert status == 201
        line.cut(reset=False)
        return "/v1" + fields["location"].partition("/v1")[2]

    def ask(self) -> int:
        """HEAD; how far the upload is. Its time is kept."""
        line = Line(self.port)
        began = time.perf_counter()
        line.send_head("HEAD", self.path)
        file = line.socket.makefile("rb")
        lines = []
        while text := file.readline().strip():
            lines.append(text.decode().lower())
        self.latencies.append(time.perf_counter() - began)
        line.cut(reset=False)
        assert lines[0].split()[1] == "200", lines
        return next(int(text.split(":")[1]) for text in lines if text.startswith("upload-offset:"))

    def advance(self, stop: int) -> None:
        """Send towards `stop`, be cut there, do something silly, ask how far it got."""
        line = Line(self.port)
        line.patch_head(self.path, self.offset, SIZE - self.offset)
        sent = line.send(self.offset, stop)
        ending = self._chance.choice(["reset", "closed", "left open", "duplicate", "second writer"])
        others = []
        if ending in ("reset", "closed"):
            line.cut(reset=ending == "reset")
        elif ending == "duplicate":
            # The same bytes once more, over another line, while the first still stands.
            others.append(self._patch_elsewhere(self.offset, sent))
        elif ending == "second writer":
            # Overlapping, or out of order: begins where the upload is not.
            wrong = max(0, self.offset - 1000) if self._chance.random() < 0.5 else stop + MIB
            if wrong < SIZE and wrong != self.offset:
                others.append(self._patch_elsewhere(wrong, 1000))
        reached = self.ask()
        assert reached >= self.offset, "an offset never decreases"
        assert reached <= stop, "nothing is stored that was not sent"
        assert reached == self.ask(), "it stays where it is"
        self.resent.append(sent - (reached - self.offset))
        self.offset = reached
        for each in [line, *others]:
            each.cut(reset=True)

    def _patch_elsewhere(self, offset: int, length: int) -> Line:
        line = Line(self.port)
        line.patch_head(self.path, offset, SIZE - offset)
        line.send(offset, min(SIZE, offset + min(length, MIB)))
        return line

    def finish(self) -> dict[str, str]:
        """Send the rest; the fields of the answer. Then the last request again, twice."""
        line = Line(self.port)
        line.patch_head(self.path, self.offset, SIZE - self.offset)
        line.send(self.offset, SIZE)
        status, fields, body = line.answer()
        assert status == 204, body
        for _ in range(2):
            again = Line(self.port)
            again.patch_head(self.path, self.offset, SIZE - self.offset)
            assert again.answer()[0] == (409 if self.offset < SIZE else 204)
            again.cut(reset=True)
            empty = Line(self.port)
            empty.patch_head(self.path, SIZE, 0)
            assert empty.answer()[0] == 204
            empty.cut(reset=False)
        line.cut(reset=False)
        return fields


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[UploadOrigin]:
    with UploadOrigin(tmp_path / "data") as started:
        yield started


def get(origin: UploadOrigin, path: str) -> bytes:
    line = Line(origin.port)
    line.send_head("GET", path)
    status, _, body = line.answer()
    line.cut(reset=False)
    assert status == 200
    return body


def downloaded_sha256(origin: UploadOrigin) -> str:
    line = Line(origin.port)
    line.send_head("GET", f"/v1/content/{KEY}", Connection="close")
    file = line.socket.makefile("rb")
    while file.readline().strip():
        pass
    digest = hashlib.sha256()
    while data := file.read(MIB):
        digest.update(data)
    line.cut(reset=False)
    return digest.hexdigest()


@pytest.mark.alone
def test_a_hundred_cuts_lose_nothing_and_repeat_little(origin: UploadOrigin) -> None:
    chance = random.Random(20_251_122)
    before = peak_memory_bytes(origin.pid)
    uploader = Uploader(origin.port, chance)
    for stop in sorted(chance.sample(range(1, SIZE), CUTS)):
        if stop > uploader.offset:
            uploader.advance(stop)
    fields = uploader.finish()
    expected = sha256_of_film()
    assert downloaded_sha256(origin) == expected
    objects = json.loads(get(origin, "/v1/content"))["items"]
    assert [(each["key"], each["generation"], each["sha256"]) for each in objects] == [
        (KEY, 1, expected)
    ]
    assert fields["cinedge-generation"] == "1"
    growth = peak_memory_bytes(origin.pid) - before
    told = sorted(uploader.latencies)
    nearly_all = told[int(len(told) * 0.95)]
    print(
        f"{SIZE} bytes, {len(uploader.resent)} cuts: HEAD median"
        f" {statistics.median(told) * 1000:.1f} ms, 95% {nearly_all * 1000:.1f} ms,"
        f" longest {told[-1] * 1000:.1f} ms; re-sent at most {max(uploader.resent)} bytes,"
        f" {sum(uploader.resent)} in all; memory grew by {growth // MIB} MiB"
    )
    assert len(uploader.resent) > CUTS * 0.9
    assert max(uploader.resent) <= in_flight_bytes_max()
    assert nearly_all < 0.1
    assert growth < GROWTH_MAX


def test_an_origin_that_is_killed_goes_on_where_it_was(origin: UploadOrigin) -> None:
    chance = random.Random(7)
    uploader = Uploader(origin.port, chance)
    for stop in sorted(chance.sample(range(1, SIZE), 4)):
        line = Line(origin.port)
        line.patch_head(uploader.path, uploader.offset, SIZE - uploader.offset)
        sent = line.send(uploader.offset, stop)
        origin.kill()
        line.cut(reset=True)
        origin.start()
        reached = uploader.ask()
        assert reached >= uploader.offset
        assert uploader.offset + sent - reached <= 2 * SYNC_BYTES + in_flight_bytes_max()
        uploader.offset = reached
    uploader.finish()
    assert downloaded_sha256(origin) == sha256_of_film()
