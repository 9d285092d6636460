"""Claims that hold on both event loops: uvloop polls and buffers in its own way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import uvloop

Main = Callable[[], Coroutine[Any, Any, None]]
_FACTORIES: Final = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
LOOPS: Final = tuple(_FACTORIES)


def run_on(loop: str, main: Main, seconds: float | None = None) -> None:
    """Run a coroutine function on one of LOOPS. Raises TimeoutError after so many seconds."""

    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await main()

    with asyncio.Runner(loop_factory=_FACTORIES[loop]) as runner:
        runner.run(bounded())
