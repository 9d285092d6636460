"""Orders that take long and have not ended: kept on disk, so that a restart takes them up again.

The journal is behind them: an edge that has read past an order never hears of it again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from edge.whole_file import write_whole

_log = structlog.get_logger("edge.orders")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An order, and the origin that wants to know what became of it."""

    origin: str
    detail: Mapping[str, Any]


class UnfinishedOrders:
    """Those of one worker, in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders: dict[str, Unfinished] = {}
        self._writing = asyncio.Lock()

    def read(self) -> dict[str, Unfinished]:
        """What the last run left; nothing when that cannot be read."""
        try:
            told = json.loads(self._path.read_text())
            self._orders = {
                str(order): Unfinished(str(each["origin"]), dict(each["detail"]))
                for order, each in told.items()
            }
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("unfinished orders not read", path=str(self._path), error=repr(error))
        return dict(self._orders)

    async def add(self, order: str, origin: str, detail: Mapping[str, Any]) -> None:
        """An order has begun. Raises OSError."""
        self._orders[order] = Unfinished(origin, detail)
        await self._write()

    async def remove(self, order: str) -> None:
        """An order has ended; where that cannot be written it is done once more at worst."""
        if self._orders.pop(order, None) is None:
            return
        try:
            await self._write()
        except OSError as error:
            _log.warning("end of an order not kept", order=order, error=str(error))

    async def _write(self) -> None:
        async with self._writing:
            told = {
                order: {"origin": each.origin, "detail": dict(each.detail)}
                for order, each in self._orders.items()
            }
            await asyncio.to_thread(write_whole, self._path, json.dumps(told).encode())
