"""Brings one large file to an origin in parts side by side, and makes sure of what arrived.

The parts go straight to where the origin keeps them; meanwhile the file's SHA-256 is computed, and
the request that joins the parts carries it, so that nothing is published that is not the file.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from cdnkit.digests import format_digest_field, parse_digest_field
from cdnkit.errors import BadRequestError
from cdnkit.wire import GENERATION_HEADER, UPLOADS_PATH
from scripts.cli.errors import FailedError
from scripts.ingest_client.journal import Journal, Remembered, Subject
from scripts.ingest_client.parts import (
    TUS,
    LostError,
    PartSender,
    Tools,
    explain,
    format_metadata,
)
from scripts.ingest_client.plan import Span, pause_seconds, split

EXTENT_HEADER: Final = "Cinedge-Extent-Bytes"
READ_BYTES: Final = 1024 * 1024
JOIN_TIMEOUT: Final = httpx.Timeout(3600.0, connect=10.0)
"""Joining waits for the origin's digest over the whole file."""

_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Shipment:
    """One file on its way to one key."""

    file: Path
    key: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of it."""

    generation: int
    sha256: str
    size_bytes: int
    resumed_bytes: int


def extent_bytes_of(client: httpx.Client) -> int | None:
    """The extent size of an origin that takes parts; None when it does not. Raises FailedError."""
    try:
        answer = client.options(UPLOADS_PATH)
    except httpx.TransportError as error:
        raise FailedError(f"{client.base_url}: {str(error) or type(error).__name__}") from error
    told = answer.headers.get(EXTENT_HEADER, "")
    has_parts = "concatenation" in answer.headers.get("Tus-Extension", "")
    return int(told) if answer.is_success and has_parts and told.isdigit() and int(told) else None


class Sender:
    """Sends files over `streams` connections each. `progress` is told the bytes that arrived."""

    def __init__(
        self,
        client: httpx.Client,
        folder: Path,
        *,
        streams: int,
        report: Callable[[str], object],
        pause: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._client = client
        self._folder = folder
        self._streams = streams
        self._pause = pause
        self._report = report

    def send(
        self, shipment: Shipment, extent_bytes: int, progress: Callable[[int], object]
    ) -> Arrival:
        """Send one file. Raises FailedError; a later call then goes on where this one was."""
        try:
            status = shipment.file.stat()
        except OSError as error:
            raise FailedError(f"{shipment.file}: {error.strerror or error}") from error
        subject = Subject(
            str(self._client.base_url),
            shipment.key,
            str(shipment.file.resolve()),
            status.st_size,
            status.st_mtime_ns,
            extent_bytes,
        )
        journal = Journal(self._folder, subject)
        with journal.locked():
            remembered, _ = journal.load(split(status.st_size, extent_bytes, self._streams))
            try:
                arrival = self._bring(shipment, status.st_size, journal, remembered, progress)
            except LostError:
                # Parts that a part of us thought complete have expired: all of it anew, once.
                journal.forget()
                remembered, _ = journal.load(split(status.st_size, extent_bytes, self._streams))
                arrival = self._bring(shipment, status.st_size, journal, remembered, progress)
            journal.forget()
        return arrival

    def _bring(
        self,
        shipment: Shipment,
        size_bytes: int,
        journal: Journal,
        remembered: Remembered,
        progress: Callable[[int], object],
    ) -> Arrival:
        stopping = threading.Event()
        tools = Tools(self._client, partial(self._pause, stopping), stopping, self._report)
        meter = _Meter(len(remembered.spans), progress)
        with ThreadPoolExecutor(len(remembered.spans) + 1, "ingest") as pool:
            digesting = pool.submit(_sha256, shipment.file, tools.stopping)
            sending = [
                pool.submit(
                    self._sender(tools, shipment, size_bytes, journal, remembered, n, meter).send
                )
                for n in range(len(remembered.spans))
            ]
            try:
                _wait_for([digesting, *sending])
            finally:
                tools.stopping.set()
        sha256 = digesting.result()
        urls = [future.result() for future in sending]
        answer = self._join(shipment, urls, sha256)
        generation = answer.headers.get(GENERATION_HEADER, "")
        if not generation.isdigit():
            raise FailedError(f"{answer.url} did not answer as an origin does")
        _compare(answer, sha256)
        return Arrival(int(generation), sha256.hex(), size_bytes, meter.resumed_bytes)

    def _sender(
        self,
        tools: Tools,
        shipment: Shipment,
        size_bytes: int,
        journal: Journal,
        remembered: Remembered,
        number: int,
        meter: _Meter,
    ) -> PartSender:
        span = remembered.spans[number]

        def created(location: str) -> None:
            with meter.lock:
                remembered.locations[number] = location
                journal.save(remembered)

        return PartSender(
            tools,
            shipment.file,
            span,
            _placing(shipment.key, remembered.batch, span, size_bytes),
            location=remembered.locations.get(number),
            created=created,
            arrived=lambda count: meter.tell(number, count),
        )

    def _join(self, shipment: Shipment, urls: list[str], sha256: bytes) -> httpx.Response:
        """Ask for the whole, until there is an answer; asking twice joins once."""
        metadata = {"key": shipment.key, "filetype": shipment.content_type}
        fields = {
            **TUS,
            "Upload-Concat": "final;" + " ".join(httpx.URL(url).path for url in urls),
            "Upload-Metadata": format_metadata(metadata),
            "Repr-Digest": format_digest_field({"sha-256": sha256}),
        }
        problem = ""
        for failures in range(_TRIES):
            if failures:
                self._report(f"{shipment.key}: {problem}; trying again")
                self._pause(threading.Event(), pause_seconds(failures))
            try:
                answer = self._client.post(UPLOADS_PATH, headers=fields, timeout=JOIN_TIMEOUT)
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
                continue
            if answer.status_code == 201:
                return answer
            problem = explain(answer)
            if answer.status_code in (404, 410):
                raise LostError(problem)
            if answer.status_code < 500:
                raise FailedError(f"{shipment.key}: {problem}")
        raise FailedError(f"{shipment.key}: {problem} (tried {_TRIES} times)")


class _Meter:
    """Adds up what all parts of a file have sent."""

    def __init__(self, parts: int, progress: Callable[[int], object]) -> None:
        self.lock = threading.Lock()
        self.resumed_bytes = 0
        self._counts: list[int | None] = [None] * parts
        self._progress = progress

    def tell(self, number: int, count: int) -> None:
        """So many bytes of a part are there, or on their way."""
        with self.lock:
            if self._counts[number] is None:
                self.resumed_bytes += count
            self._counts[number] = count
            total = sum(filter(None, self._counts))
        self._progress(total)


def _placing(key: str, batch: str, span: Span, size_bytes: int) -> Mapping[str, str]:
    """Where a part belongs, in the words of the upload resource."""
    return {"key": key, "batch": batch, "start": str(span.start), "total": str(size_bytes)}


def _sha256(file: Path, stopping: threading.Event) -> bytes:
    digest = hashlib.sha256()
    try:
        with file.open("rb", buffering=0) as source:
            while piece := source.read(READ_BYTES):
                if stopping.is_set():
                    raise FailedError("stopped")
                digest.update(piece)
    except OSError as error:
        raise FailedError(f"{file}: {error.strerror or error}") from error
    return digest.digest()


def _wait_for(futures: list[Future[Any]]) -> None:
    """Until all are done, or the first has failed: then its error."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _compare(answer: httpx.Response, sha256: bytes) -> None:
    try:
        told = parse_digest_field(answer.headers.get("Repr-Digest", ""))
    except BadRequestError:
        told = {}
    if told.get("sha-256") != sha256:
        stored = told.get("sha-256", b"").hex() or "nothing"
        raise FailedError(f"the origin stored sha256 {stored}, the file has {sha256.hex()}")
