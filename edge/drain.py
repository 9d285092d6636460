"""Whether the operator wants new viewers kept away from this edge, and how that is asked for.

    GET    /v1/drain   whether it drains, and what still runs       200
    PUT    /v1/drain   take no new viewers; those that watch go on  200
    DELETE /v1/drain   take viewers again                           200

On the admin address, for holders of the scope `operate`. The mark is memory that the workers of an
edge share by fork; every worker's /readyz says it at once, and the routers do the rest. A file in
the cache directory keeps it, so that an edge drained for work on it does not come back half-way.
"""

from __future__ import annotations

import asyncio
import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from cdnkit.errors import CinedgeError
from cdnkit.service.exchange import request_id_of
from cdnkit.service.operations import JSON_TYPE, Answer, operation
from cdnkit.wire import DRAIN_PATH

_SCOPE: Final = "operate"
_TAG: Final = "drain"
_STATE: Final = {200: Answer("Whether it drains, and how loaded it is.", None, JSON_TYPE)}
_FILE: Final = "drained"
_log = structlog.get_logger("edge.audit")


class NotKeptError(CinedgeError):
    """The mark is set or gone, and the disk does not know it."""

    status = 507
    code = "drain-not-kept"


class DrainMark:
    """Make it before the workers are forked. It is set when the last run left it set.

    Without a `directory` nothing outlives the process.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._memory = mmap.mmap(-1, 1)
        self._file = None if directory is None else directory / _FILE
        if self._file is not None and self._file.exists():
            self._memory[0] = 1

    @property
    def is_set(self) -> bool:
        """Whether new viewers are to be kept away."""
        return self._memory[0] == 1

    def set(self, value: bool) -> None:
        """For all workers, now."""
        self._memory[0] = int(value)

    def keep(self) -> None:
        """Have the next run begin with what is set. Raises OSError."""
        if self._file is None:
            return
        if self.is_set:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()
        else:
            self._file.unlink(missing_ok=True)
        directory = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


@dataclass(frozen=True, slots=True)
class DrainDesk:
    """The handlers. `authorize` names the caller or raises; `report` tells what still runs."""

    node: str
    mark: DrainMark
    authorize: Callable[[web.Request, str], str]
    report: Callable[[], dict[str, Any]]

    def routes(self) -> list[web.RouteDef]:
        """All three."""
        return [
            web.get(DRAIN_PATH, self.get_drain),
            web.put(DRAIN_PATH, self.put_drain),
            web.delete(DRAIN_PATH, self.delete_drain),
        ]

    @operation(answers=_STATE, scope=_SCOPE, enforce=False, tag=_TAG)
    async def get_drain(self, request: web.Request) -> web.Response:
        """Whether it drains, and what still runs."""
        self._admit(request, "look")
        return self._answer()

    @operation(answers=_STATE, problems=(NotKeptError,), scope=_SCOPE, enforce=False, tag=_TAG)
    async def put_drain(self, request: web.Request) -> web.Response:
        """Take no new viewers; those that watch go on. Beginning twice is no error."""
        return await self._change(request, True)

    @operation(answers=_STATE, problems=(NotKeptError,), scope=_SCOPE, enforce=False, tag=_TAG)
    async def delete_drain(self, request: web.Request) -> web.Response:
        """Take viewers again. Ending twice is no error."""
        return await self._change(request, False)

    async def _change(self, request: web.Request, draining: bool) -> web.Response:
        action = "drain" if draining else "undrain"
        caller = self._admit(request, action)
        before = self.mark.is_set
        self.mark.set(draining)
        changed = before is not draining
        try:
            await asyncio.to_thread(self.mark.keep)
        except OSError as error:
            _log.warning(action, caller=caller, not_kept=str(error))
            raise NotKeptError(f"done, but a restart will not know it: {error}") from error
        _log.info(action, caller=caller, changed=changed, request_id=request_id_of(request))
        return self._answer()

    def _admit(self, request: web.Request, action: str) -> str:
        try:
            return self.authorize(request, _SCOPE)
        except CinedgeError as error:
            _log.warning(action, refused=error.code, request_id=request_id_of(request))
            raise

    def _answer(self) -> web.Response:
        body = {"node": self.node, "draining": self.mark.is_set, **self.report()}
        return web.json_response(body, headers={"Cache-Control": "no-store"})
