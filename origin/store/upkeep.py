"""The disk store's background work: scrub, repair, rebalance, one extent after the other.

Decides which job runs (the most urgent; another waits where it is and goes on later), how fast, and
from where after a restart. Extents are taken in the order of their names, which are hashes, so the
name reached tells how far a job is. What is done to an extent is `origin.store.mending`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cdnkit.errors import NotFoundError
from cdnkit.service.lasting import end_tasks, lasting
from config.topology import Volume
from origin.store.base import StoredObject
from origin.store.extents import extent_count, extent_name
from origin.store.mending import Finding, Job, Mender
from origin.store.pacer import Pacer
from origin.store.volumes import EXTENTS_DIR, VolumeSet, check_own, write_json

LOOK_SECONDS: Final = 5.0
SAVE_SECONDS: Final = 5.0
FOLDERS: Final = 256
REPAIR_HASTE: Final = 8
"""How much faster than the scrub a repair is: until it is over, one more failure may lose bytes."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far a job is and what it has found; `finished_at` is 0 while it is not over."""

    started_at: float = 0.0
    finished_at: float = 0.0
    cursor: str = ""
    extents: int = 0
    read_bytes: int = 0
    bad: int = 0
    repaired: int = 0
    moved: int = 0
    short: int = 0
    lost: int = 0

    @property
    def fraction(self) -> float:
        """The part that is done, from the name reached."""
        if self.finished_at:
            return 1.0
        digits = self.cursor.rpartition("/")[2][:8]
        return int(digits, 16) / 16**8 if len(digits) == 8 else 0.0

    def add(self, finding: Finding) -> None:
        """Count what was found of one extent."""
        for field in dataclasses.fields(finding):
            setattr(self, field.name, getattr(self, field.name) + getattr(finding, field.name))


@dataclass(frozen=True, slots=True)
class UpkeepSettings:
    """How fast and how often; `layout` changes with the volumes that are configured."""

    bytes_per_second: int
    scrub_interval_seconds: float
    state_path: Path
    layout: str


def layout_of(volumes: Iterable[Volume], copies: int) -> str:
    """What placement depends on, as a text: when it has changed, extents have to move."""
    facts = sorted((volume.name, volume.weight, volume.domain) for volume in volumes)
    return json.dumps([copies, facts])


class Upkeep:
    """The jobs of one store. `expected` lists the objects that ought to be there."""

    def __init__(
        self,
        volumes: VolumeSet,
        mender: Mender,
        settings: UpkeepSettings,
        clock: Callable[[], float],
        expected: Callable[[], Iterable[StoredObject]] = tuple,
    ) -> None:
        self.progress: dict[Job, Progress] = {}
        self.running: Job | None = None
        self._volumes = volumes
        self._mender = mender
        self._settings = settings
        self._clock = clock
        self._expected = expected
        self._pending: set[Job] = set()
        self._balanced_layout = settings.layout
        self._shortages_seen = 0
        self._wake = asyncio.Event()
        self._interrupt = threading.Event()
        self._thread = ThreadPoolExecutor(1, "upkeep")
        self._load()

    @property
    def waiting(self) -> tuple[Job, ...]:
        """Jobs that are to be done, the most urgent first; the first one may be running."""
        return tuple(job for job in Job if job in self._pending)

    def start(self, job: Job) -> None:
        """Do a job soon, from the beginning unless it is under way."""
        if job not in self._pending:
            self._pending.add(job)
            self.progress[job] = Progress(started_at=self._clock())
        if self.running is not None and self.waiting[0] is not self.running:
            self._interrupt.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; what is under way is remembered."""
        try:
            await lasting("upkeep", self._work_on)
        finally:
            self._interrupt.set()
            await asyncio.to_thread(self._thread.shutdown)

    async def _work_on(self) -> None:
        while True:
            await asyncio.to_thread(self._volumes.check_working)
            self._notice()
            if not self._pending:
                await self._wait()
                continue
            working = asyncio.create_task(self.work())
            try:
                while not (await asyncio.wait({working}, timeout=LOOK_SECONDS))[0]:
                    await asyncio.to_thread(self._volumes.check_working)
                    self._notice()
                working.result()
            finally:
                await end_tasks(working)

    async def work(self) -> bool:
        """Go on with the most urgent job until it is over or another is more urgent."""
        if not self._pending:
            return False
        job = self.running = self.waiting[0]
        self._interrupt.clear()
        loop = asyncio.get_running_loop()
        try:
            if await loop.run_in_executor(self._thread, self._tour, job):
                self._pending.discard(job)
        finally:
            self.running = None
        return True

    def _notice(self) -> None:
        """Start what has become due by itself."""
        shortages = self._volumes.shortages
        if shortages != self._shortages_seen and self.running is not Job.REPAIR:
            self._shortages_seen = shortages
            self._pending.discard(Job.REPAIR)
            self.start(Job.REPAIR)
        if self._balanced_layout != self._settings.layout:
            self.start(Job.REBALANCE)
        last = self.progress.get(Job.SCRUB, Progress()).started_at
        if (
            self._settings.bytes_per_second
            and self._clock() - last >= self._settings.scrub_interval_seconds
        ):
            self.start(Job.SCRUB)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _tour(self, job: Job) -> bool:
        """Whether the job is over. In the thread."""
        progress = self.progress[job]
        rate = self._settings.bytes_per_second * (REPAIR_HASTE if job is Job.REPAIR else 1)
        # Whose copies were to be verified, and are when all of this is done.
        suspects = [each for each in self._volumes.volumes if each.suspect and not progress.cursor]
        pacer = Pacer(rate, self._clock, self._interrupt.wait)
        saved_at = self._clock()
        if job is Job.REPAIR:
            for name in sorted(self._volumes.take_doubted()):
                progress.add(self._mender.mend(name, Job.SCRUB, pacer.spend))
        for name in self._names_beyond(progress.cursor):
            if self._interrupt.is_set():
                self._save()
                return False
            progress.add(self._mender.mend(name, job, pacer.spend))
            progress.cursor = name
            if self._clock() - saved_at >= SAVE_SECONDS:
                self._save()
                saved_at = self._clock()
        if job is not Job.REBALANCE:
            for volume in suspects:
                volume.suspect = False
        if progress.repaired:
            self._volumes.forget_missed()
        if job is Job.SCRUB:
            progress.lost += sum(self._count_lost(stored) for stored in self._expected())
        if job is Job.REBALANCE:
            self._balanced_layout = self._settings.layout
        progress.finished_at = self._clock()
        self._pending.discard(job)
        self._save()
        log.info("%s is over: %s", job.value, dataclasses.asdict(progress))
        return True

    def _names_beyond(self, cursor: str) -> Iterator[str]:
        """Names of all committed extents, in order, one folder in memory at a time."""
        for number in range(FOLDERS):
            folder = f"{number:02x}"
            if folder < cursor[:2]:
                continue
            names: set[str] = set()
            for volume in self._volumes.volumes:
                if volume.failure is not None:
                    continue
                try:
                    found = os.listdir(f"{volume.root}/{EXTENTS_DIR}/{folder}")
                except FileNotFoundError:
                    continue
                except OSError as error:
                    check_own(error)
                    self._volumes.fail(volume, error)
                    continue
                names.update(f"{folder}/{name}" for name in found)
            yield from sorted(name for name in names if name > cursor)

    def _count_lost(self, stored: StoredObject) -> int:
        return sum(
            not any(os.path.exists(volume.extent_path(name)) for volume in self._volumes.volumes)
            for name in (
                extent_name(stored.object_id, stored.generation, index)
                for index in range(extent_count(stored))
            )
        )

    def _load(self) -> None:
        """Take up what was under way. A state that cannot be read only costs a repeated job."""
        try:
            state = json.loads(self._settings.state_path.read_text(encoding="utf-8"))
            progress = {Job(name): Progress(**each) for name, each in state["jobs"].items()}
            self._pending = {Job(name) for name in state["pending"]}
            self._balanced_layout = str(state["layout"])
        except FileNotFoundError:
            # A new store: nothing to look at yet, so the first scrub has time.
            progress = {Job.SCRUB: Progress(self._clock(), self._clock())}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("how far the upkeep was is lost: %s", error)
            progress, self._pending = {}, set()
        self.progress = progress
        for job in self._pending:
            self.progress.setdefault(job, Progress(started_at=self._clock()))

    def _save(self) -> None:
        state: dict[str, Any] = {
            "layout": self._balanced_layout,
            "pending": [job.value for job in self.waiting],
            "jobs": {job.value: dataclasses.asdict(each) for job, each in self.progress.items()},
        }
        try:
            write_json(self._settings.state_path, state)
        except OSError as error:
            log.error("how far the upkeep is could not be saved: %s", error)


def parse_job(text: str) -> Job:
    """The job of a name. Raises NotFoundError."""
    try:
        return Job(text)
    except ValueError:
        known = ", ".join(job.value for job in Job)
        raise NotFoundError(f"there is no job {text!r}; there are {known}") from None
