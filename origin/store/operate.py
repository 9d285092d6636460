"""The store for its operators: volumes and background work, seen and started over HTTP.

    GET   /v1/store                           volumes, jobs, degraded writes        200
    GET   /v1/store/{job}                     how far scrub, repair, rebalance is   200
    POST  /v1/store/{job}                     start it                              202
    POST  /v1/store/volumes/{name}/readmit    use a volume again after its repair   200

Decides the form of answers and metrics only. Reading is free, as /metrics is; changing takes the
scope `operate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from functools import partial
from itertools import product
from typing import Final, Literal

from aiohttp import web

from cdnkit.errors import ConflictError, NotFoundError, UnavailableError
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.metrics import Telemetry
from cdnkit.service.operations import Answer, Shape, operation, reply
from cdnkit.service.patterns import segment
from origin.store.disk import DiskStore
from origin.store.mending import Job
from origin.store.upkeep import Progress, Upkeep, parse_job
from origin.store.volumes import VolumeState

STORE_PATH: Final = "/v1/store"
SCOPE: Final = "operate"
TAG: Final = "store"
_COUNTED: Final = ("extents", "read_bytes", "bad", "repaired", "moved", "short", "lost")


class FailureView(Shape):
    """Why a volume is isolated, and since when."""

    reason: str
    since: float


class VolumeView(Shape):
    """A volume."""

    name: str
    path: str
    used_bytes: int
    size_bytes: int
    failure: FailureView | None


class UpkeepView(Shape):
    """How far a background job is and what it has found; `finished_at` 0: not over."""

    job: str
    state: Literal["running", "waiting", "done", "never run"]
    fraction: float
    started_at: float
    finished_at: float
    extents: int
    read_bytes: int
    bad: int
    repaired: int
    moved: int
    short: int
    lost: int


class StoreView(Shape):
    """Volumes, jobs, and how many extents were written with fewer copies than wanted."""

    volumes: list[VolumeView]
    degraded_writes: int
    jobs: dict[str, UpkeepView]


class StoreOperation:
    """Handlers of /v1/store and gauges of the store."""

    def __init__(self, store: DiskStore, upkeep: Upkeep) -> None:
        self._store = store
        self._upkeep = upkeep

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [
            web.get(STORE_PATH, self.get),
            web.get(f"{STORE_PATH}/{segment('job')}", self.get_job),
            web.post(f"{STORE_PATH}/{segment('job')}", self.start),
            web.post(f"{STORE_PATH}/volumes/{segment('name')}/readmit", self.readmit),
        ]

    @operation(tag=TAG)
    async def get(self, request: web.Request) -> StoreView:
        """Everything at a glance."""
        return StoreView(
            volumes=[view_volume(state) for state in self._store.volume_states()],
            degraded_writes=self._store.degraded_writes(),
            jobs={job.value: self._describe(job) for job in Job},
        )

    @operation(problems=(NotFoundError,), tag=TAG)
    async def get_job(self, request: web.Request) -> UpkeepView:
        """How far `scrub`, `repair` or `rebalance` is."""
        return self._describe(parse_job(request.match_info["job"]))

    @operation(
        answers={202: Answer("It runs, or waits its turn.", UpkeepView)},
        problems=(NotFoundError,),
        scope=SCOPE,
        tag=TAG,
    )
    async def start(self, request: web.Request) -> web.StreamResponse:
        """Start a job, or let it go on."""
        job = parse_job(request.match_info["job"])
        self._upkeep.start(job)
        return reply(self._describe(job), 202)

    @operation(problems=(NotFoundError, ConflictError, UnavailableError), scope=SCOPE, tag=TAG)
    async def readmit(self, request: web.Request) -> VolumeView:
        """Use a volume again after its repair."""
        name = request.match_info["name"]
        await self._store.readmit(name)
        (state,) = (each for each in self._store.volume_states() if each.name == name)
        return view_volume(state)

    def register(self, telemetry: Telemetry) -> None:
        """Show the store in the metrics; nothing has to be counted twice."""
        writes = telemetry.gauge(
            "cinedge_store_degraded_writes",
            "Extents written with fewer copies than wanted since the start.",
        )
        writes.set_function(self._store.degraded_writes)
        works = telemetry.gauge(
            "cinedge_store_volume_works",
            "1 for a volume in use, 0 for an isolated one.",
            ("volume",),
        )
        used = telemetry.gauge(
            "cinedge_store_volume_used_bytes", "Bytes of extents on a volume.", ("volume",)
        )
        for name in (state.name for state in self._store.volume_states()):
            works.labels(name).set_function(partial(self._works, name))
            used.labels(name).set_function(partial(self._used_bytes, name))
        found = telemetry.gauge(
            "cinedge_store_upkeep",
            "What the present or last run of a background job has seen and done.",
            ("job", "what"),
        )
        for job, what in product(Job, ("fraction", *_COUNTED)):
            found.labels(job.value, what).set_function(partial(self._figure, job, what))

    async def running(self, app: web.Application) -> AsyncIterator[None]:
        """Work in the background while the application runs."""
        task = start_lasting("upkeep", self._upkeep.run)
        yield
        await end_tasks(task)

    def _works(self, name: str) -> float:
        return float(self._state(name).failure is None)

    def _used_bytes(self, name: str) -> float:
        return self._state(name).used_bytes

    def _figure(self, job: Job, what: str) -> float:
        return float(getattr(self._progress(job), what))

    def _state(self, name: str) -> VolumeState:
        return next(state for state in self._store.volume_states() if state.name == name)

    def _progress(self, job: Job) -> Progress:
        return self._upkeep.progress.get(job, Progress())

    def _describe(self, job: Job) -> UpkeepView:
        progress = self._progress(job)
        if self._upkeep.running is job:
            state = "running"
        elif job in self._upkeep.waiting:
            state = "waiting"
        else:
            state = "done" if progress.finished_at else "never run"
        members = dataclasses.asdict(progress)
        del members["cursor"]
        about = {"job": job.value, "state": state, "fraction": progress.fraction}
        return UpkeepView.model_validate({**about, **members})


def view_volume(state: VolumeState) -> VolumeView:
    """A volume as operators see it."""
    return VolumeView.model_validate(dataclasses.asdict(state))
