"""What this worker does with the orders of the journal, and what it says of them.

An order may be told twice, by two origins of one database or after a restart: doing it again would
cost fetching again, so the newest are remembered, and only said once more. An order that cannot be
read is answered as failed; after such a purge nothing held is trusted without asking.

Warming takes long and is one worker's work: the first of an edge does it behind the others' backs,
and goes on with it after a restart.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from cdnkit.wire import ChangeKind, ReceiptState
from edge.cache.holdings import Holdings
from edge.pinning import Pinning
from edge.purging import TargetsOf, parse_purge, purge, targets_at
from edge.receipts import Identity, Receipts
from edge.refreshing import Refreshing
from edge.unfinished import UnfinishedOrders
from edge.warming import Warm, Warming, parse_wanted, parse_warm

__all__ = ["Orders", "UnfinishedOrders"]

_REMEMBERED: Final = 10_000
NOT_UNDERSTOOD: Final = (KeyError, TypeError, ValueError, OverflowError)
"""What reading an order may raise; JSON has numbers that no integer is."""


class Orders:
    """The orders of one worker, from whichever origin they come."""

    def __init__(
        self,
        holdings: Holdings,
        targets_of: TargetsOf,
        refreshing: Refreshing,
        warming: Warming,
        pinning: Pinning,
        identity: Identity,
        now: Callable[[], float],
        unfinished: UnfinishedOrders | None = None,
    ) -> None:
        self._holdings = holdings
        self._targets_of = targets_of
        self._refreshing = refreshing
        self._warming = warming
        self._pinning = pinning
        self._identity = identity
        self._tasks: set[asyncio.Task[None]] = set()
        self._now = now
        self._unfinished = unfinished
        self._obeyed: OrderedDict[str, None] = OrderedDict()
        self._log = structlog.get_logger("edge.orders")

    async def obey(self, kind: str, detail: Mapping[str, Any], receipts: Receipts) -> None:
        """Do what an entry of the journal says; what comes of it goes to `receipts`."""
        order, edges = str(detail.get("order", "")), detail.get("edges")
        if isinstance(edges, list) and self._identity.edge not in edges:
            return
        if order in self._obeyed:
            if kind != ChangeKind.WARM.value:
                receipts.say(order, ReceiptState.DONE)
            return
        try:
            await self._obey(kind, order, detail, receipts)
        except OSError as error:
            self._log.warning("order not kept", order=order, kind=kind, error=repr(error))
            receipts.say(order, ReceiptState.FAILED, {"reason": "not written to disk"})
            return
        except NOT_UNDERSTOOD as error:
            self._log.warning("order not understood", order=order, kind=kind, error=repr(error))
            if kind == ChangeKind.PURGE.value:
                self._holdings.distrust()
            receipts.say(order, ReceiptState.FAILED, {"reason": "not understood"})
            return
        if kind != ChangeKind.WARM.value:
            # Who borrowed what went must have heard of it, or the order is not obeyed there.
            await self._holdings.sharing.passed()
            receipts.say(order, ReceiptState.DONE)
        self._remember(order)

    async def take_up(self, receipts: Sequence[Receipts]) -> None:
        """Go on with what the last run has begun, for origins that are still followed."""
        if self._unfinished is None:
            return
        by_origin = {each.origin: each for each in receipts}
        for order, left in self._unfinished.read().items():
            teller = by_origin.get(left.origin)
            try:
                asked = self._asked(left.detail)
            except NOT_UNDERSTOOD as error:
                self._log.warning("order not understood", order=order, error=repr(error))
                teller = None
            if teller is None:
                await self._unfinished.remove(order)
            elif order not in self._obeyed:
                self._log.info("order taken up again", order=order)
                self._remember(order)
                self._begin(order, asked, teller)

    def _remember(self, order: str) -> None:
        self._obeyed[order] = None
        if len(self._obeyed) > _REMEMBERED:
            self._obeyed.popitem(last=False)

    async def close(self) -> None:
        """End what goes on behind the feed."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _obey(
        self, kind: str, order: str, detail: Mapping[str, Any], receipts: Receipts
    ) -> None:
        if kind == ChangeKind.PURGE.value:
            what = parse_purge(detail, self._targets_of)
            await purge(
                *(self._holdings, what, self._now()),
                lambda entry: self._refreshing.add((entry,), what.refresh_per_second),
            )
        elif kind == ChangeKind.WARM.value:
            await self._warm(order, detail, receipts)
        elif kind in (ChangeKind.PIN.value, ChangeKind.UNPIN.value):
            wanted = parse_wanted(detail, lambda name: targets_at(name, self._targets_of))
            await (self._pinning.pin if kind == ChangeKind.PIN.value else self._pinning.unpin)(
                wanted
            )
        else:
            raise ValueError("no order that is known here")

    async def _warm(self, order: str, detail: Mapping[str, Any], receipts: Receipts) -> None:
        asked = self._asked(detail)
        if self._identity.worker:
            receipts.say(order, ReceiptState.DONE)
            return
        if self._unfinished is not None:
            await self._unfinished.add(order, receipts.origin, detail)
        self._begin(order, asked, receipts)

    def _begin(self, order: str, asked: Warm, receipts: Receipts) -> None:
        task = asyncio.ensure_future(self._finish(order, asked, receipts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, order: str, asked: Warm, receipts: Receipts) -> None:
        try:
            await self._warming.warm(
                asked, lambda state, told: receipts.say(order, state, told), self._now()
            )
        except Exception:  # nobody waits for this task, but whoever ordered it
            self._log.exception("order failed", order=order)
            receipts.say(order, ReceiptState.FAILED, {"reason": "the edge made a mistake"})
        if self._unfinished is None:
            return
        while not await receipts.told():
            if receipts.is_over:
                # The next start takes it up again and tells of it then.
                return
        await self._unfinished.remove(order)

    def _asked(self, detail: Mapping[str, Any]) -> Warm:
        return parse_warm(detail, lambda name: targets_at(name, self._targets_of))
