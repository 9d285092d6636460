"""Puts the parts of packaging together for one origin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cdnkit.service.lasting import lasting
from config.topology import OriginNode, Topology
from origin.catalog.catalog import Catalog
from origin.catalog.jobs import Jobs
from origin.packaging.automatic import Automatic
from origin.packaging.handlers import Packaging
from origin.packaging.line import Line, Pace
from origin.packaging.steps import RealSteps, Wishes
from origin.store.base import ByteStore
from origin.sweeper import Holds


@dataclass(frozen=True, slots=True)
class PackagingParts:
    """Handlers, the line, and who puts titles on it unasked."""

    handlers: Packaging
    jobs: Jobs
    line: Line
    automatic: Automatic | None

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting("packaging", self.line.run))
            if self.automatic is not None:
                group.create_task(lasting("automatic packaging", self.automatic.run))


def open_packaging(
    node: OriginNode,
    topology: Topology,
    catalog: Catalog,
    store: ByteStore,
    holds: Holds,
    now: Callable[[], float],
) -> PackagingParts:
    """Packaging over an opened catalog and store."""
    settings = node.packaging
    wishes = Wishes(
        scratch=Path(node.data) / "scratch",
        extent_bytes=node.extent_bytes,
        segment_seconds=settings.segment_seconds,
        rungs=settings.ladder,
        pictures=settings.pictures,
        router_url=node.router_url.rstrip("/") if settings.steering else "",
        edge_urls=tuple(edge.url or f"http://{edge.listen}" for edge in topology.open_edges()),
        placed_edges=settings.placed_edges,
    )
    jobs = Jobs(catalog.database, now)
    line = Line(
        catalog,
        jobs,
        RealSteps(catalog, store, holds, wishes),
        Pace(node.name, settings.jobs_max, settings.replaced_seconds),
        now,
    )
    handlers = Packaging(catalog, jobs, wake=line.wake, now=now)
    automatic = Automatic(catalog, jobs, handlers.request) if settings.automatic else None
    return PackagingParts(handlers, jobs, line, automatic)
