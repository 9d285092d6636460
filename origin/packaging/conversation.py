"""Starts the packaging process and does what it asks for: read the source, take in files.

The process has no other door, so everything it may touch is named here. Silence or an early end
is a WorkerError; what the process says of the film is UnplayableError.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol

from cdnkit.errors import CinedgeError
from origin.packaging import frames
from origin.packaging.boxes import UnplayableError

SILENCE_SECONDS: Final = 120.0
"""Longest time in which the process neither asks nor tells."""

_COMPLAINT_BYTES: Final = 2000


class WorkerError(CinedgeError):
    """The packaging process died, went silent or spoke nonsense."""

    retryable = True
    code = "packaging-failed"


class Source(Protocol):
    """Bytes of the film that is packaged."""

    def __call__(self, start: int, stop: int) -> AsyncIterator[bytes | memoryview]: ...


class Intake(Protocol):
    """Where the files of the package go."""

    async def create(self, name: str, size_bytes: int) -> None:
        """Begin a file."""

    async def write(self, data: bytes) -> None:
        """More of it."""

    async def end(self) -> None:
        """It is whole."""

    async def abandon(self) -> None:
        """Drop a file that was begun; nothing when none is."""


async def converse(
    job: dict[str, Any],
    source: Source,
    intake: Intake,
    progress: Callable[[float], None],
    silence_seconds: float = SILENCE_SECONDS,
) -> dict[str, Any]:
    """Run one job in a process of its own; its result.

    Raises UnplayableError, WorkerError, and what `source` and `intake` raise.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "origin.packaging.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # No secret of the origin's environment is the process's business.
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    assert process.stderr is not None
    complaints = asyncio.create_task(_keep_last(process.stderr))
    talk = _Talk(process, source, intake, progress, silence_seconds)
    try:
        await talk.say(frames.make_json_frame(frames.Kind.BEGIN, job))
        return await talk.listen()
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
        reason = "went silent" if isinstance(error, TimeoutError) else "ended early"
        _kill(process)
        said = (await complaints).decode(errors="replace").strip().rpartition("\n")[2]
        raise WorkerError(f"the packaging process {reason}: {said[:300] or 'no word'}") from None
    finally:
        _kill(process)
        await intake.abandon()
        await process.wait()
        await complaints


def _kill(process: asyncio.subprocess.Process) -> None:
    try:
        process.kill()
    except ProcessLookupError:
        pass


class _Talk:
    """One conversation."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        source: Source,
        intake: Intake,
        progress: Callable[[float], None],
        silence_seconds: float,
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._writer = process.stdin
        self._reader = process.stdout
        self._source = source
        self._intake = intake
        self._progress = progress
        self._silence_seconds = silence_seconds
        self._file_begun = False

    async def say(self, frame: bytes) -> None:
        self._writer.write(frame)
        await self._writer.drain()

    async def listen(self) -> dict[str, Any]:
        """Do what is asked until there is a result."""
        while True:
            async with asyncio.timeout(self._silence_seconds):
                kind, length = frames.parse_frame_head(
                    await self._reader.readexactly(frames.HEAD_BYTES)
                )
                body = await self._reader.readexactly(length)
            match kind:
                case frames.Kind.READ:
                    await self._answer_read(*frames.parse_interval(body))
                case frames.Kind.CREATE:
                    await self._intake.create(*frames.parse_file(body))
                    self._file_begun = True
                case frames.Kind.DATA if self._file_begun:
                    await self._intake.write(body)
                case frames.Kind.END if self._file_begun:
                    self._file_begun = False
                    await self._intake.end()
                case frames.Kind.PROGRESS:
                    self._progress(frames.parse_share(body))
                case frames.Kind.RESULT:
                    return frames.parse_object(body)
                case frames.Kind.REFUSED:
                    raise UnplayableError(str(frames.parse_object(body).get("reason", "")))
                case _:
                    raise UnplayableError("the packaging process speaks nonsense")

    async def _answer_read(self, start: int, stop: int) -> None:
        data = b"".join([bytes(piece) async for piece in self._source(start, stop)])
        await self.say(frames.make_frame(frames.Kind.BYTES, data))


async def _keep_last(stream: asyncio.StreamReader) -> bytes:
    kept = b""
    while piece := await stream.read(4096):
        kept = (kept + piece)[-_COMPLAINT_BYTES:]
    return kept
