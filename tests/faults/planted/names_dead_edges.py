"""A router for which an edge that cannot be reached is as good as the last time it could."""

from __future__ import annotations

from geo_router import probe
from geo_router.fleet import Observation, Result
from tests.faults.planted import swap

STORY = "edge-dead-for-long"


def plant() -> None:
    look_well = probe.look_well

    async def look_kindly(*args: object) -> Observation:
        seen = await look_well(*args)  # type: ignore[arg-type]
        if seen.result is Result.FAILED:
            return Observation(Result.ANSWERED, "ready", 0.001)
        return seen

    swap(probe, "look_well", look_kindly)
