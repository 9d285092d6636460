"""How fast the origin takes films in, digests included, beside `cp` to the same disk with fsync."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts.benchmark import procfs
from scripts.benchmark.content import PREFIX
from scripts.benchmark.figures import Run
from scripts.benchmark.launch import HOST, Server
from scripts.benchmark.measures import MIB
from scripts.benchmark.stage import OURS, Stage
from scripts.cli.errors import FailedError

COPY: Final = "cp"
TIMES: Final = {"films": 4, "long": 1}
"""Files of each collection taken in in one run, one after the other."""

_TIMEOUT_SECONDS: Final = 120.0


def measure_ingest(stage: Stage, collection: str, round_number: int) -> dict[str, Run]:
    """One run of the origin and one of `cp`, the other way round in every second round."""
    film = stage.content.file_of(stage.content.collections[collection][0])
    times = TIMES[collection]
    takers = {
        OURS: lambda: put_films(stage.origins[0], film, times, stage.client_cores),
        COPY: lambda: copy_films(film, times),
    }
    names = list(takers) if round_number % 2 == 0 else list(takers)[::-1]
    runs = {name: takers[name]() for name in names}
    return {name: runs[name] for name in takers}


def put_films(origin: Server, film: Path, times: int, cores: set[int] | None) -> Run:
    """PUT over loopback, the client doing next to nothing on its `cores`. Raises FailedError."""
    keys = [f"{PREFIX}taken/{number}.mp4" for number in range(times)]
    pids = origin.pids()
    cpu, began = procfs.cpu_seconds(pids), time.perf_counter()
    with _on(cores):
        for key in keys:
            _put(origin.port, key, film)
    seconds, cpu = time.perf_counter() - began, procfs.cpu_seconds(pids) - cpu
    connection = http.client.HTTPConnection(HOST, origin.port, timeout=_TIMEOUT_SECONDS)
    for key in keys:
        connection.request("DELETE", key)
        connection.getresponse().read()
    connection.close()
    return _run(film, times, seconds) | {"cpu_ms": cpu * 1000 / (times * film.stat().st_size / MIB)}


def copy_films(film: Path, times: int) -> Run:
    """`cp` and fsync, beside the films."""
    copies = [film.with_name(f"copy-{number}") for number in range(times)]
    began = time.perf_counter()
    for copy in copies:
        subprocess.run(["cp", film, copy], check=True)
        descriptor = os.open(copy, os.O_RDWR)
        os.fsync(descriptor)
        os.close(descriptor)
    seconds = time.perf_counter() - began
    for copy in copies:
        copy.unlink()
    return _run(film, times, seconds)


def _run(film: Path, times: int, seconds: float) -> Run:
    return {"mib_per_second": times * film.stat().st_size / MIB / seconds, "errors": 0}


@contextmanager
def _on(cores: set[int] | None) -> Iterator[None]:
    """Run this thread on these cores, so that it takes nothing from those of the server."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _put(port: int, key: str, film: Path) -> None:
    size_bytes = film.stat().st_size
    head = f"PUT {key} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {size_bytes}\r\n\r\n"
    with (
        socket.create_connection((HOST, port), timeout=_TIMEOUT_SECONDS) as line,
        film.open("rb") as file,
    ):
        line.sendall(head.encode())
        line.sendfile(file)
        answer = line.recv(1 << 16)
    if b" 201 " not in answer.partition(b"\r\n")[0]:
        raise FailedError(f"upload of {key}: {answer[:200]!r}")
