"""Puts together what follows the origins of a topology for one worker, and runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cdnkit.service.lasting import end_tasks, lasting, start_lasting
from config.topology import EdgeNode, Topology
from edge.cache.holdings import Holdings
from edge.feed import Feed, places_of
from edge.marks_file import MARKS_NAME
from edge.orders import Orders, UnfinishedOrders
from edge.pinning import Pinning
from edge.receipts import Identity, Receipts
from edge.refreshing import Refresh, Refreshing
from edge.warming import Warming

_SCOPES = frozenset({"edge", "admin"})


@dataclass(frozen=True, slots=True)
class Following:
    """The journals a worker follows, and what waits to be said or asked because of them."""

    feeds: tuple[Feed, ...]
    receipts: tuple[Receipts, ...]
    refreshing: Refreshing
    orders: Orders | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            await asyncio.gather(
                *(feed.follow() for feed in self.feeds),
                *(each.run() for each in self.receipts),
                lasting("refreshing", self.refreshing.run),
                lasting("unfinished orders", self._take_up),
            )
        finally:
            if self.orders is not None:
                await self.orders.close()

    async def _take_up(self) -> None:
        """What is fetched before the journal has been read might be called up to date wrongly."""
        await self.reached()
        if self.orders is not None:
            await self.orders.take_up(self.receipts)

    async def reached(self) -> None:
        """Return once nothing held can be out of date unnoticed."""
        for feed in self.feeds:
            await feed.reached.wait()


class Journals:
    """What a worker follows now; another topology may name other journals."""

    def __init__(self, following: Following) -> None:
        self.now = following
        self._task: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Follow them from now on."""
        self._task = start_lasting("journals", self.now.run)

    async def replace(self, following: Following) -> None:
        """Follow others instead; what was heard of the same origin goes on from its place."""
        await self.stop()
        self.now = following
        self.start()

    async def stop(self) -> None:
        """Follow nothing any more."""
        if self._task is not None:
            await end_tasks(self._task)


def follows_alike(one: Topology, other: Topology) -> bool:
    """Whether the same is followed under both, and said with the same token."""
    return _followed(one) == _followed(other)


def _followed(topology: Topology) -> tuple[object, ...]:
    prefixes = [route.prefix for route in topology.routes if not route.upstream]
    origins = [(origin.name, origin.url) for origin in topology.origins]
    return prefixes, origins, _token(topology)


def make_following(
    node: EdgeNode,
    topology: Topology,
    number: int,
    holdings: Holdings,
    refresh: Refresh,
    warming: Warming,
    now: Callable[[], float],
) -> Following:
    """What worker `number` of an edge follows: every origin, when a route leads to them."""
    refreshing = Refreshing(holdings, refresh)
    directory = places_of(Path(node.disks[0].path), number, node.workers)
    directory.mkdir(parents=True, exist_ok=True)
    if not holdings.marks.keep_in(directory / MARKS_NAME):
        holdings.distrust()
    prefixes = [route.prefix for route in topology.routes if not route.upstream]
    if not prefixes or not topology.origins:
        return Following((), (), refreshing)

    def targets_of(key: str) -> list[bytes]:
        return [f"{prefix}{key}".encode() for prefix in prefixes]

    identity = identity_of(node, topology, number)
    pinning = Pinning(holdings, node.settings.block_bytes)
    # The first worker warms, however many there are in the next life.
    left = None if number else UnfinishedOrders(Path(node.disks[0].path) / "unfinished.json")
    orders = Orders(holdings, targets_of, refreshing, warming, pinning, identity, now, left)
    feeds: list[Feed] = []
    receipts: list[Receipts] = []
    for origin in topology.origins:
        receipts.append(Receipts(origin.url, identity))
        place = directory / f"feed-{origin.name}.json"
        feeds.append(Feed(origin.url, holdings, targets_of, place, orders, receipts[-1], identity))
    return Following(tuple(feeds), tuple(receipts), refreshing, orders)


def identity_of(node: EdgeNode, topology: Topology, number: int = 0) -> Identity:
    """As whom worker `number` of an edge speaks to origins."""
    return Identity(node.name, number, node.workers, _token(topology), topology.authorities)


def _token(topology: Topology) -> str:
    """The narrowest token with which an edge may speak; empty when there is none."""
    fit = [token for token in topology.access_tokens if _SCOPES & set(token.scopes)]
    return min(fit, key=lambda token: len(token.scopes)).secret if fit else ""
