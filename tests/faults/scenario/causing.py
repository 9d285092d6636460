"""Faults, done to the processes and links of a scenario at their time, and undone."""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tests.faults.link import Weather
from tests.faults.scenario import disks
from tests.faults.scenario.asking import Asker
from tests.faults.scenario.layout import cache_of, disk_of, key_named
from tests.faults.scenario.plan import ON_LINKS, Fault, Kind
from tests.faults.scenario.stage import Stage

_FEED: Final = b"GET /v1/changes"
_POLL_SECONDS: Final = 0.03


class Causing:
    """Does what a scenario says; two faults of one place happen one after the other."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world = stage.world
        self._places: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self) -> None:
        """Return once all faults are over. Raises TimeoutError when somebody does not come back."""
        async with asyncio.TaskGroup() as group:
            for fault in self._stage.scenario.faults:
                group.create_task(self._cause(fault))

    async def _cause(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_seconds)
        if self._stage.over.is_set():
            return
        async with self._places[fault.target]:
            trouble = self._stage.troubles.begin(fault, self._stage.now())
            self._stage.counts[f"{fault.kind} of {fault.target}"] += 1
            if fault.kind in ON_LINKS:
                await self._on_link(fault)
            else:
                await _DO[fault.kind](self, fault)
            trouble.ended = self._stage.now()

    async def _last(self, fault: Fault) -> None:
        await self._stage.pause(fault.for_seconds)

    async def _on_link(self, fault: Fault) -> None:
        proxy = self._world.links[fault.target]
        proxy.weather = _weather_of(fault)
        if fault.kind in (Kind.RESET, Kind.FEED_CUT):
            proxy.reset()
        if fault.kind is Kind.HALF_OPEN:
            proxy.half_open()
        await self._last(fault)
        proxy.weather = Weather()

    async def _kill(self, fault: Fault) -> None:
        self._world.kill(fault.target)
        await self._world.await_end(fault.target)
        await self._last(fault)
        await self._start_again(fault.target)

    async def _restart(self, fault: Fault) -> None:
        await self._world.end(fault.target)
        await self._last(fault)
        await self._start_again(fault.target)

    async def _rotate(self, fault: Fault) -> None:
        key = key_named(len(self._world.keys) + 1)
        self._world.keys.insert(0, key)
        await self._restart(fault)
        self._world.believed[fault.target] = key

    async def _stop(self, fault: Fault) -> None:
        life = self._world.lives[fault.target]
        life.signal(signal.SIGSTOP)
        await self._last(fault)
        life.signal(signal.SIGCONT)

    async def _jump(self, fault: Fault) -> None:
        self._world.set_clock(fault.target, fault.amount)
        await self._last(fault)
        self._world.set_clock(fault.target, 0.0)

    async def _fill_disk(self, fault: Fault) -> None:
        directory = disk_of(self._world.data, fault.target)
        await asyncio.to_thread(disks.fill, directory)
        await self._last(fault)
        await asyncio.to_thread(disks.make_room, directory)

    async def _break_disk(self, fault: Fault) -> None:
        directory = cache_of(self._world.data, fault.target)
        disks.break_directory(directory)
        await self._last(fault)
        disks.mend_directory(directory)

    async def _slow_disk(self, fault: Fault) -> None:
        self._world.slow_disk(fault.target, fault.amount)
        await self._last(fault)
        self._world.slow_disk(fault.target, 0.0)

    async def _start_again(self, name: str) -> None:
        self._world.start(name)
        limit_seconds = self._stage.scenario.expect.ready_seconds
        async with asyncio.timeout(limit_seconds), self._world.asker() as asker:
            while not await self._answers(asker, name):  # noqa: ASYNC110 (it tells nobody)
                await asyncio.sleep(_POLL_SECONDS)

    async def _answers(self, asker: Asker, name: str) -> bool:
        # Not over the link that others use: it may be broken just now.
        url = f"{self._world.direct_url(name)}/readyz"
        return (await asker.ask(url, limit_seconds=2)).status == 200


def _weather_of(fault: Fault) -> Weather:
    match fault.kind:
        case Kind.DELAY:
            return Weather(delay_seconds=fault.amount)
        case Kind.BANDWIDTH:
            return Weather(bytes_per_second=fault.amount)
        case Kind.STALL:
            return Weather(stalled=True)
        case Kind.RESET:
            return Weather(refusing=True)
        case Kind.FEED_CUT:
            return Weather(refusing=True, only=_FEED)
        case _:
            return Weather()


_DO: Final[Mapping[Kind, Callable[[Causing, Fault], Awaitable[None]]]] = {
    Kind.KILL: Causing._kill,
    Kind.RESTART: Causing._restart,
    Kind.ROTATE: Causing._rotate,
    Kind.STOP: Causing._stop,
    Kind.CLOCK: Causing._jump,
    Kind.DISK_FULL: Causing._fill_disk,
    Kind.DISK_BROKEN: Causing._break_disk,
    Kind.DISK_SLOW: Causing._slow_disk,
}
