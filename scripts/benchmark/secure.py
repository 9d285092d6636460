"""What runs of protected content need besides.

Over TLS: a certificate, and a client that compares bytes. With tokens: the query of every warm
path, and an edge that checks it; peers take the query for a part of the name and cache under it, so
all answer the same requests.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cdnkit.tokens import Claims, sign
from scripts.benchmark.content import PREFIX, Content, Piece
from scripts.benchmark.launch import HOST, trusting
from scripts.benchmark.plan import Plan
from scripts.cli.errors import FailedError

_READ_BYTES: Final = 1 << 20
_KEY_ID: Final = "bench"
_SECRET: Final = "a key for nothing but measuring hits"
_DISK_BYTES: Final = 64 << 30
_GOOD_SECONDS: Final = 24 * 3600


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


def token_query() -> str:
    """A query with a token for all content, good for a day."""
    end = int(time.time()) + _GOOD_SECONDS
    token = sign(Claims(_KEY_ID, PREFIX, end, session="viewer-1"), {_KEY_ID: _SECRET.encode()})
    return f"?token={token}"


def write_topology(path: Path, plan: Plan, listen: str, origin: str, log: Path) -> Path:
    """An edge whose every path wants a token, in front of `origin`."""
    edge: dict[str, Any] = {
        "name": "edge",
        "site": "here",
        "listen": listen,
        "workers": plan.workers,
        "disks": [{"path": str(path.with_suffix(".cache")), "size_bytes": _DISK_BYTES}],
        "settings": {"access_log": str(log)},
    }
    topology = {
        "version": 1,
        "sites": [{"name": "here", "latitude": 0, "longitude": 0}],
        "routes": [{"prefix": "/", "upstream": [origin], "token": True}],
        "edges": [edge],
        "token_keys": [{"id": _KEY_ID, "secret": _SECRET}],
    }
    path.write_text(json.dumps(topology))
    return path
