"""Runs a scenario from beginning to end, and tells what was found.

Start, first versions, everybody at once while things break, then quiet: everything has to be ready
again in time, every film whole and new everywhere, every purge done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.scenario.asking import Asker
from tests.faults.scenario.backing import backing_for
from tests.faults.scenario.causing import Causing
from tests.faults.scenario.disks import can_be_small
from tests.faults.scenario.judging import Judge, Read
from tests.faults.scenario.layout import BLOCK_BYTES
from tests.faults.scenario.ledger import Film, Ledger
from tests.faults.scenario.plan import EDGES, ORIGINS, Kind, Scenario, links_of, origins_of
from tests.faults.scenario.players import Player
from tests.faults.scenario.purging import ExternalFilm, Purger
from tests.faults.scenario.stage import Complaint, Stage
from tests.faults.scenario.tokens import token_for
from tests.faults.scenario.troubles import Troubles
from tests.faults.scenario.uploading import Uploader
from tests.faults.scenario.watching import Viewer
from tests.faults.scenario.world import Nursery, World
from tests.helpers.versioned_origin import VersionedOrigin, versioned_origin

_EXTERNAL_BYTES: Final = 2 * BLOCK_BYTES + 77
_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 30.0


class UnsupportedError(Exception):
    """This machine cannot do what the scenario asks for; the message says what."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run. `words`: the last of each process, where there are complaints."""

    scenario: Scenario
    complaints: Sequence[Complaint]
    counts: Counter[str]
    words: str = ""


def run_scenario(
    scenario: Scenario, nursery: Nursery, directory: Path, planted: str = ""
) -> Report:
    """Run it in an empty directory. Raises UnsupportedError."""
    return asyncio.run(_run(scenario, nursery, directory, planted))


async def _run(scenario: Scenario, nursery: Nursery, directory: Path, planted: str) -> Report:
    small_disks = [each.target for each in scenario.faults if each.kind is Kind.DISK_FULL]
    if small_disks and not can_be_small():
        raise UnsupportedError("a disk that fills up needs root, to mount a small one")
    with versioned_origin(_EXTERNAL_BYTES) as external, backing_for(scenario.shape) as backing:
        world = World(
            scenario.shape,
            links_of(scenario),
            directory,
            nursery,
            int(external.url.rpartition(":")[2]),
            backing,
            planted,
            small_disks,
        )
        async with world:
            stage = _set(scenario, world)
            await _Play(stage, external).run()
            words = ""
            if stage.complaints:
                words = "\n".join(f"--- {name}\n{world.last_words(name)}" for name in world.lives)
    return Report(scenario, stage.complaints, stage.counts, words)


def _set(scenario: Scenario, world: World) -> Stage:
    ledger, troubles = Ledger(), Troubles()
    shape = scenario.shape
    judge = Judge(ledger, troubles, scenario.expect, shape.peers, origins_of(shape))
    return Stage(scenario, world, ledger, troubles, judge)


class _Play:
    def __init__(self, stage: Stage, external: VersionedOrigin) -> None:
        cast = stage.scenario.cast
        self._stage = stage
        self._uploaders = [Uploader(stage, n) for n in range(cast.uploaders)]
        film = ExternalFilm(stage, external)
        self._purgers = [Purger(stage, n, film) for n in range(cast.purgers)]
        self._players = [Player(stage, n) for n in range(cast.players)]
        self._viewers = [Viewer(stage, n) for n in range(cast.viewers)]

    async def run(self) -> None:
        stage = self._stage
        await asyncio.gather(*(each.put_first() for each in self._uploaders))
        for viewer in self._viewers:
            await viewer.join(self._uploaders[0].film.path[1:])
        lateness = asyncio.create_task(stage.watch_lateness())
        try:
            stage.began_at = stage.now()
            await self._act()
            if not stage.complaints:
                await self._settle()
        finally:
            lateness.cancel()

    async def _act(self) -> None:
        """Everybody at once, until the time is up and all faults are over."""
        stage = self._stage
        everybody: list[Player | Uploader | Purger | Viewer] = [
            *self._players,
            *self._uploaders,
            *self._purgers,
            *self._viewers,
        ]
        acting = [asyncio.create_task(each.run()) for each in everybody]
        faults = asyncio.create_task(self._break())
        await stage.pause(stage.scenario.seconds)
        await faults
        stage.over.set()
        async with asyncio.timeout(_STOP_SECONDS):
            await asyncio.gather(*acting)

    async def _break(self) -> None:
        try:
            await Causing(self._stage).run()
        except* TimeoutError:
            self._stage.complain("process", "does not come back after its fault")

    async def _settle(self) -> None:
        """Everything works again, and nothing that was promised is lost."""
        stage, limit_seconds = self._stage, self._stage.scenario.expect.ready_seconds
        for death in stage.world.deaths():
            stage.complain("process", death)
        try:
            await stage.world.await_ready(limit_seconds)
        except TimeoutError:
            stage.complain("world", f"not ready {limit_seconds:g} s after the last fault")
            return
        except AssertionError as error:
            stage.complain("world", str(error))
            return
        # Long enough for every edge to be held to what it has heard.
        await asyncio.sleep(stage.scenario.expect.lag_seconds + stage.judge.slack_seconds)
        await self._within(limit_seconds, "reads", self._unread)
        await self._within(limit_seconds, "purges", self._unpurged)
        await self._within(limit_seconds, "histories", self._unseen)

    async def _within(
        self, limit_seconds: float, what: str, left: Callable[[], Awaitable[list[str]]]
    ) -> None:
        """Until nothing is left to be done."""
        stage, undone = self._stage, [""]
        try:
            async with asyncio.timeout(limit_seconds):
                while undone and not stage.complaints:
                    undone = await left()
                    await asyncio.sleep(_POLL_SECONDS if undone else 0)
        except TimeoutError:
            stage.complain("world", f"{what} still fail after {limit_seconds:g} s: {undone[:3]}")

    async def _unpurged(self) -> list[str]:
        return [what for each in self._purgers for what in await each.find_unfinished()]

    async def _unseen(self) -> list[str]:
        return [what for each in self._viewers for what in await each.find_lost()]

    async def _unread(self) -> list[str]:
        """What cannot be read whole everywhere; what can is judged."""
        failed: list[str] = []
        origins = origins_of(self._stage.scenario.shape)
        async with self._stage.world.asker() as asker:
            for server in (*origins, *EDGES):
                for film in self._stage.ledger.films.values():
                    if server in ORIGINS and not film.is_followed:
                        continue
                    read = await self._read_whole(asker, server, film)
                    if read.status == 200:
                        self._stage.check("last look", read)
                    else:
                        failed.append(f"{server} {film.path}: {read.status} {read.said}")
        return failed

    async def _read_whole(self, asker: Asker, server: str, film: Film) -> Read:
        stage = self._stage
        asked_at = stage.now()
        prefix = "/v1/content" if server in ORIGINS else token_for(stage.world, film, server)
        heard = await asker.ask(f"{stage.world.url(server)}{prefix}{film.path}")
        return Read(
            server=server,
            path=film.path,
            asked_at=asked_at,
            answered_at=stage.now(),
            status=heard.status,
            fields=heard.fields,
            body=heard.body,
            said=heard.said,
        )
