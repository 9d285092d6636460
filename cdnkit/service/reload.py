"""Watches the file of a running process and hands a new one over, when it is sound.

A file that cannot be read or that breaks a rule changes nothing: each mistake is logged with its
line, and the process goes on with what it has. What a new one changes is the tier's part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import structlog

from cdnkit.errors import CinedgeError

LOOK_SECONDS: Final = 2.0

_log = structlog.get_logger("cdnkit.reload")


class Source(Protocol):
    """The file. A stamp changes with it; `known` is that of what was read last."""

    @property
    def known(self) -> object:
        """The stamp at the last reading."""

    def stamp(self) -> object:
        """The stamp now."""

    def read(self) -> tuple[Any, Any]:
        """The node of this process, and its topology. Raises `refusals`."""


Adopt = Callable[[Any, Any], Awaitable[None]]


class Watch:
    """Looks at a file for as long as `follow` runs."""

    def __init__(
        self,
        file: Source,
        adopt: Adopt,
        refusals: tuple[type[Exception], ...],
        count: Callable[[str], None] = lambda result: None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """`refusals` say what is wrong with a file, one mistake on a line.

        `count` hears "adopted" or "refused" after each new file.
        """
        self._file = file
        self._adopt = adopt
        self._refusals = refusals
        self._count = count
        self._look_seconds = look_seconds
        self._hung_up = asyncio.Event()
        self._judged = file.known

    def hang_up(self) -> None:
        """Read the file now, whether it changed or not (SIGHUP)."""
        self._hung_up.set()

    async def follow(self) -> None:
        """Take every new file in."""
        seen = self._judged
        while True:
            asked = await self._wait()
            stamp = self._file.stamp()
            # One that changed since the last look may still be being written.
            settled = stamp == seen
            seen = stamp
            if asked or (settled and stamp != self._judged):
                self._judged = stamp
                await self._take_in()

    async def _wait(self) -> bool:
        try:
            await asyncio.wait_for(self._hung_up.wait(), self._look_seconds)
        except TimeoutError:
            return False
        self._hung_up.clear()
        return True

    async def _take_in(self) -> None:
        try:
            node, topology = await asyncio.to_thread(self._file.read)
            await self._adopt(node, topology)
        except self._refusals as error:
            for line in str(error).splitlines():
                _log.error("the new topology is refused", mistake=line)
        except CinedgeError as error:
            _log.error("the new topology is refused", mistake=error.detail)
        except Exception:  # the watch outlives whatever one file does
            _log.exception("the new topology is refused")
        else:
            self._count("adopted")
            return
        self._count("refused")
