"""The topology file of an edge, as one of its workers follows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from cdnkit.service.health import Health
from cdnkit.service.lasting import end_tasks, start_lasting
from cdnkit.service.reload import LOOK_SECONDS, Watch
from config.complaints import TopologyError
from config.node_file import NodeFile
from config.topology import EdgeNode, Topology
from edge.workers import worker_node

Adopt = Callable[[EdgeNode, Topology], Awaitable[None]]


class FollowedFile:
    """Of worker `number` of the edge `node`; without a file nothing is followed."""

    def __init__(
        self,
        node: EdgeNode,
        number: int,
        file: NodeFile | None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._workers = node.workers
        self._number = number
        self._file = file
        self._look_seconds = look_seconds
        self._watch: Watch | None = None

    def hang_up(self) -> None:
        """Read the file now, whether it changed or not."""
        if self._watch is not None:
            self._watch.hang_up()

    @asynccontextmanager
    async def watched(self, adopt: Adopt, health: Health) -> AsyncIterator[None]:
        """Inside the block every sound file is adopted, and health names the one in force.

        A worker that was started again for one that died begins with what the edge was started
        with, and takes over with its first looks what has changed since.
        """
        file = self._file
        if file is None:
            yield
            return

        async def take_over(node: EdgeNode, topology: Topology) -> None:
            share = worker_node(node, self._number) if self._workers > 1 else node
            await adopt(share, topology)
            health.topology = file.digest

        health.topology = file.digest
        self._watch = Watch(file, take_over, (TopologyError,), look_seconds=self._look_seconds)
        following = start_lasting("topology", self._watch.follow)
        try:
            yield
        finally:
            await end_tasks(following)
