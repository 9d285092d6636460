"""Sends one span of a file until the origin has all of it, however often the line breaks.

Decides what is tried again: a broken line and an origin that cannot now, with longer and longer
pauses, as long as bytes get through now and then; an upload that is gone is begun anew; anything
else is a refusal. Before each try the origin is asked how far it is.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from cdnkit.wire import UPLOADS_PATH
from scripts.cli.errors import FailedError
from scripts.ingest_client.plan import Span, pause_seconds

PIECE_BYTES: Final = 256 * 1024
FAILURES_MAX: Final = 8
"""Tries without a byte of progress before an origin is given up."""

TUS: Final = {"Tus-Resumable": "1.0.0"}
_TRY_AGAIN: Final = frozenset({408, 409, 423, 425, 429, 500, 502, 503, 504, 507})
_GONE: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Tools:
    """What every part of a file is sent with."""

    client: httpx.Client
    pause: Callable[[float], object]
    stopping: threading.Event
    report: Callable[[str], object]


class LostError(Exception):
    """The upload is gone at the origin."""


class PartSender:
    """One span on its way. `arrived` is told how many of its bytes the origin has, or will."""

    def __init__(
        self,
        tools: Tools,
        file: Path,
        span: Span,
        metadata: Mapping[str, str],
        *,
        location: str | None,
        created: Callable[[str], object],
        arrived: Callable[[int], object],
    ) -> None:
        self._tools = tools
        self._file = file
        self._span = span
        self._metadata = metadata
        self._location = location
        self._created = created
        self._arrived = arrived
        self._offset = 0

    def send(self) -> str:
        """Send what is missing; where the part is. Raises FailedError."""
        failures, furthest = 0, -1
        while not self._tools.stopping.is_set():
            try:
                location = self._located()
                self._offset = self._ask(location)
                self._arrived(self._offset)
                if self._offset == self._span.size_bytes:
                    return location
                if self._offset > furthest:
                    failures, furthest = 0, self._offset
                self._patch(location)
                continue
            except LostError:
                self._location, furthest = None, -1
                problem = "the origin has lost the upload"
            except (httpx.TransportError, _TryAgainError) as error:
                problem = str(error) or type(error).__name__
            except OSError as error:
                raise FailedError(f"{self._file}: {error.strerror or error}") from error
            failures += 1
            if failures >= FAILURES_MAX:
                raise FailedError(f"{problem} (tried {failures} times)")
            self._tools.report(f"{self._file.name}: {problem}; trying again")
            self._tools.pause(pause_seconds(failures))
        raise FailedError("stopped")

    def _located(self) -> str:
        """Where the part is; it is created when it is nowhere."""
        if self._location is None:
            answer = self._tools.client.post(
                UPLOADS_PATH,
                headers={
                    **TUS,
                    "Upload-Concat": "partial",
                    "Upload-Length": str(self._span.size_bytes),
                    "Upload-Metadata": format_metadata(self._metadata),
                },
            )
            require(answer, 201)
            self._location = location_of(answer)
            self._created(self._location)
        return self._location

    def _ask(self, location: str) -> int:
        answer = self._tools.client.head(location, headers=TUS)
        require(answer, 200)
        offset = answer.headers.get("Upload-Offset", "")
        if not (offset.isascii() and offset.isdigit() and int(offset) <= self._span.size_bytes):
            raise FailedError(f"{location} did not answer as an origin does")
        return int(offset)

    def _patch(self, location: str) -> None:
        missing = self._span.size_bytes - self._offset
        answer = self._tools.client.patch(
            location,
            content=self._pieces(),
            headers={
                **TUS,
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(missing),
                "Upload-Offset": str(self._offset),
            },
        )
        require(answer, 204)

    def _pieces(self) -> Iterator[bytes]:
        at = self._span.start + self._offset
        with self._file.open("rb", buffering=0) as source:
            source.seek(at)
            while at < self._span.stop:
                if self._tools.stopping.is_set():
                    raise FailedError("stopped")
                piece = source.read(min(PIECE_BYTES, self._span.stop - at))
                if not piece:
                    raise FailedError(f"{self._file} has become shorter while it was read")
                at += len(piece)
                yield piece
                self._arrived(at - self._span.start)


class _TryAgainError(Exception):
    """The origin cannot now."""


def require(answer: httpx.Response, status: int) -> None:
    """Raise LostError, _TryAgainError or FailedError unless it is the answer hoped for."""
    if answer.status_code == status:
        return
    if answer.status_code in _GONE:
        raise LostError(explain(answer))
    if answer.status_code in _TRY_AGAIN:
        raise _TryAgainError(explain(answer))
    raise FailedError(explain(answer))


def location_of(answer: httpx.Response) -> str:
    """The Location of what was created. Raises FailedError."""
    location = answer.headers.get("Location")
    if location is None:
        raise FailedError(f"{answer.url} did not answer as an origin does")
    return str(answer.url.join(location))


def format_metadata(values: Mapping[str, str]) -> str:
    """Upload-Metadata of tus."""
    return ",".join(f"{name} {b64encode(text.encode()).decode()}" for name, text in values.items())


def explain(response: httpx.Response) -> str:
    """Status and, from problem+json, the sentence of an answer."""
    try:
        body = response.json()
    except ValueError:
        body = None
    detail = body.get("detail") if isinstance(body, dict) else None
    return f"{response.status_code} {detail or response.reason_phrase}"
