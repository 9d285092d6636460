"""Marks of a worker's trust on its disk, beside its places in journals.

A place says up to where a journal was acted on, and the marks of what that can be said. A file that
cannot be read leaves no mark good.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from edge.trust import BEFORE_MARKS, Marks, Trust, format_marks, parse_marks
from edge.whole_file import write_whole

MARKS_NAME: Final = "marks.json"

_log = structlog.get_logger("edge.marks")


class KeptMarks:
    """Those of one worker; `save(name, writing)` has a disk's thread do some writing."""

    def __init__(self, save: Callable[[str, Callable[[], None]], Future[None]]) -> None:
        self.trust = Trust(draw=lambda: secrets.token_hex(8))
        self._save = save
        self._path: Path | None = None
        self._saving: Future[None] | None = None

    def keep_in(self, path: Path) -> bool:
        """Which marks are good was written down there, and is from now on; False: none is."""
        if self._path == path:
            return True
        self._path = path
        if self.trust.marks != BEFORE_MARKS:
            # What was given up before anybody asked for the file stays so.
            self.save()
            return True
        marks = read_marks(path)
        if marks is None:
            _log.error("the marks cannot be read, so nothing is trusted", file=str(path))
        elif marks.good:
            self.trust.marks = marks
        return marks is not None and bool(marks.good)

    def save(self) -> None:
        """Have the marks that are good now written down."""
        if self._path is not None:
            writing = partial(write_marks, self._path, self.trust.marks)
            self._saving = self._save(MARKS_NAME, writing)

    async def recorded(self) -> bool:
        """Whether a restart would know which marks are good: without them no place may be kept."""
        if self._saving is None:
            return True
        try:
            await asyncio.wrap_future(self._saving)
        except OSError:
            self.save()
            return False
        return True


def read_marks(path: Path) -> Marks | None:
    """The marks in a file; those from before there were any without one, None of a damaged one."""
    try:
        return parse_marks(json.loads(path.read_text()))
    except FileNotFoundError:
        return BEFORE_MARKS
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_marks(path: Path, marks: Marks) -> None:
    """Write marks down, whole or not at all; blocks. Raises OSError."""
    write_whole(path, json.dumps(format_marks(marks)).encode())
