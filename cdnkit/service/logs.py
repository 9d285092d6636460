"""What a process writes about itself: the access log (one JSON line per request) and diagnostics.

Requests only append a dict; lines are rendered and written about once a second, or as soon as there
are many, the write itself in a thread, so that a slow disk delays no viewer. A disk that does not
come back costs log lines, counted in `dropped`, never memory without end. Which facts a record has
is said in docs/operating/observability.md; who may know them is said in `cdnkit.service.redact`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self, TextIO

import structlog

from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.redact import REDACTED, is_secret_name, redact_path, redact_text

FLUSH_INTERVAL_SECONDS: Final = 1.0
FLUSH_BYTES: Final = 1 << 20
"""Rendered lines are written when they are so many: memory that is used again at once stays in the
processor's cache and costs no page faults (a second's worth of a busy edge is 30 MiB)."""
RECORDS_MAX: Final = 200_000
RENDERED_BYTES_MAX: Final = 64 << 20
_RENDER_SLICE: Final = 256
_TEXT_MAX: Final = 2048

_log = structlog.get_logger()
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str).encode


class Sink(Protocol):
    """Where rendered lines go."""

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""

    def reopen(self) -> None:
        """Start afresh under the same name, after a rotation. Raises OSError."""

    def close(self) -> None:
        """Let go."""


class FileSink:
    """A log file opened for appending; several processes may share it (O_APPEND, one write)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = self._open()

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        _write_all(self._descriptor, data)

    def reopen(self) -> None:
        """Open the path again; the old file is kept when that fails. Raises OSError."""
        fresh = self._open()
        os.close(self._descriptor)
        self._descriptor = fresh

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


class StreamSink:
    """Standard output: never closed, nothing to reopen."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError."""
        _write_all(self._descriptor, data)

    def reopen(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class AccessLog:
    """Records of requests, written in batches. Use as an async context, or let an app do so."""

    def __init__(
        self,
        sink: Sink | None,
        *,
        clock: Callable[[], float] = time.time,
        records_max: int = RECORDS_MAX,
        rendered_bytes_max: int = RENDERED_BYTES_MAX,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._records_max = records_max
        self._rendered_bytes_max = rendered_bytes_max
        self._pending: list[Mapping[str, Any] | bytes] = []
        self._rendered_bytes = 0
        self._much = asyncio.Event()
        self._reopen_wanted = False
        self._users = 0
        self._task: asyncio.Task[None] | None = None
        self._flushing = asyncio.Lock()
        self.dropped = 0

    @property
    def enabled(self) -> bool:
        """False when records would go nowhere; callers may then save making them."""
        return self._sink is not None

    def now(self) -> float:
        """The log's clock, in seconds since the epoch."""
        return self._clock()

    def append(self, record: Mapping[str, Any]) -> None:
        """Keep a record for the next write. `time` is seconds since the epoch."""
        if self._sink is None:
            return
        if len(self._pending) >= self._records_max:
            self.dropped += 1
            return
        self._pending.append(record)

    def append_rendered(self, lines: bytes) -> None:
        """Keep lines that the caller rendered itself, each ended by a newline."""
        if self._sink is None:
            return
        if self._rendered_bytes + len(lines) > self._rendered_bytes_max:
            self.dropped += lines.count(b"\n")
            return
        self._pending.append(lines)
        self._rendered_bytes += len(lines)
        if self._rendered_bytes >= FLUSH_BYTES:
            self._much.set()

    def reopen(self) -> None:
        """Open the file anew before the next write (after a rotation)."""
        self._reopen_wanted = True

    async def flush(self) -> None:
        """Write what is pending, in one write."""
        if self._sink is None:
            return
        async with self._flushing:
            if self._reopen_wanted:
                self._reopen_wanted = False
                await self._guarded(self._sink.reopen)
            records, self._pending, self._rendered_bytes = self._pending, [], 0
            if records:
                data = await _render_all(records)
                if not await self._guarded(self._sink.write, data):
                    self.dropped += data.count(b"\n")

    async def __aenter__(self) -> Self:
        self._users += 1
        if self._task is None and self._sink is not None:
            self._task = start_lasting("access-log", self._run)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._users -= 1
        if self._users:
            return
        if self._task is not None:
            await end_tasks(self._task)
            self._task = None
        await self.flush()
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_INTERVAL_SECONDS):
                    await self._much.wait()
            self._much.clear()
            # Shielded: being stopped in the middle of a write must not lose the batch.
            await asyncio.shield(self.flush())

    async def _guarded(self, call: Callable[..., None], *arguments: Any) -> bool:
        try:
            await asyncio.to_thread(call, *arguments)
        except OSError as error:
            _log.error("access log not written", error=str(error), dropped=self.dropped)
            return False
        return True


def open_log(path: str, *, clock: Callable[[], float] = time.time) -> AccessLog:
    """The access log at `path`; `-` is standard output, the empty string is none.

    Raises OSError when the file cannot be opened.
    """
    if not path:
        return AccessLog(None, clock=clock)
    sink: Sink = StreamSink(sys.stdout.fileno()) if path == "-" else FileSink(path)
    return AccessLog(sink, clock=clock)


def render_record(record: Mapping[str, Any]) -> str:
    """One record as one line of JSON, without secrets and without the line's end."""
    line: dict[str, Any] = {}
    for name, value in record.items():
        if value is None:
            continue
        if name == "time":
            line[name] = format_time(value)
        elif isinstance(value, str):
            line[name] = _clean(redact_path(value) if name == "path" else value)
        else:
            line[name] = value
    return _encode(line)


def format_time(at: float) -> str:
    """ISO 8601, UTC, milliseconds: 2030-01-02T03:04:05.678Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def configure_logging(
    tier: str, node: str, level: str = "info", stream: TextIO | None = None
) -> None:
    """Send all diagnostics, ours and the libraries', to `stream` (stderr) as JSON lines.

    Raises ValueError for an unknown level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"log level {level!r} is none of debug, info, warning, error")

    def add_place(
        logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["tier"] = tier
        event["node"] = node
        return event

    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        add_place,
        structlog.processors.format_exc_info,
        redact_event,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact_event(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor that takes secrets out of names and texts."""
    for name, value in event.items():
        if is_secret_name(name):
            event[name] = REDACTED
        elif isinstance(value, str):
            event[name] = redact_text(value)
    return event


async def _render_all(records: list[Mapping[str, Any] | bytes]) -> bytes:
    lines: list[bytes] = []
    for start in range(0, len(records), _RENDER_SLICE):
        for record in records[start : start + _RENDER_SLICE]:
            if isinstance(record, bytes):
                lines.append(record)
            else:
                lines.append(render_record(record).encode("ascii") + b"\n")
        # Rendering a busy second at once would hold every viewer up for tens of milliseconds.
        await asyncio.sleep(0)
    return b"".join(lines)


def _clean(text: str) -> str:
    if len(text) > _TEXT_MAX:
        text = text[:_TEXT_MAX] + "…"
    if text.isascii():
        return text
    # aiohttp hands bytes above 127 over as lone surrogates, which are not valid in JSON text.
    return text.encode("utf-8", "backslashreplace").decode()


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
