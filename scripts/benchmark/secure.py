"""What a run over TLS needs besides: a certificate, and a client that compares bytes."""

from __future__ import annotations

import http.client
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.benchmark.content import Content, Piece
from scripts.benchmark.launch import HOST, trusting
from scripts.cli.errors import FailedError

_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that signs itself, and its key."""

    certificate: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """For every server of a run, on the curve that most use. Raises FailedError."""
    program = shutil.which("openssl")
    if program is None:
        raise FailedError("certificates are made by openssl; on Debian: apt-get install openssl")
    made = Certificate(folder / "films.pem", folder / "films.key")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    more: list[str | Path] = [
        "-subj",
        "/CN=films.example",
        "-keyout",
        made.key,
        "-out",
        made.certificate,
    ]
    done = subprocess.run(
        [program, *words.split(), *more], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FailedError(f"openssl makes no certificate: {done.stderr[-500:]}")
    return made


def compare(port: int, content: Content, pieces: Iterable[Piece]) -> str:
    """Read every piece over TLS; what is wrong with the first wrong one, or nothing."""
    connection = http.client.HTTPSConnection(HOST, port, timeout=60, context=trusting())
    try:
        wrong = (_compare_one(connection, content, piece) for piece in pieces)
        return next(filter(None, wrong), "")
    finally:
        connection.close()


def _compare_one(connection: http.client.HTTPSConnection, content: Content, piece: Piece) -> str:
    connection.request("GET", piece.path)
    answer = connection.getresponse()
    if answer.status != http.client.OK:
        return f"{piece.path}: status {answer.status}"
    with content.file_of(piece).open("rb") as file:
        while part := file.read(_READ_BYTES):
            if answer.read(len(part)) != part:
                return f"{piece.path}: wrong bytes"
    return f"{piece.path}: more bytes than the file has" if answer.read() else ""
