"""Finds what was missed while nobody listened: operations that were left, rows that are old.

At the start every subscription counts as old, later one that was not compared with Stripe for
`reconcile_seconds`. Several processes share the work: an operation and a comparison are claimed in
the row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from cdnkit.errors import CinedgeError, UnavailableError
from origin.domains.payments import queries
from origin.domains.payments.operations import Desk
from origin.domains.payments.syncing import Syncer

LOOK_SECONDS: Final = 10.0
KEPT_SECONDS: Final = 90 * 86400.0
_LIMIT: Final = 20


@dataclass(frozen=True, slots=True)
class Reconciler:
    """The work of one process."""

    desk: Desk
    syncer: Syncer
    reconcile_seconds: float
    now: Callable[[], float]
    report: Callable[[str], None]

    async def run(self) -> None:
        """Compare until cancelled."""
        began_at = self.now()
        while True:
            try:
                await self.round(max(began_at, self.now() - self.reconcile_seconds))
            except UnavailableError as error:
                self.report(f"payments are not compared: {error.detail}")
            await asyncio.sleep(LOOK_SECONDS)

    async def round(self, before: float) -> None:
        """Take up what was left, and compare all rows that are older than `before`."""
        database = self.desk.database
        async with database.reading() as connection:
            left = await queries.left_operations(connection, self.now(), _LIMIT)
        for running in left:
            await self._try(self.desk.take_up(running))
        while await self._compare(before):
            pass
        async with database.begin() as connection:
            await queries.forget_before(connection, self.now() - KEPT_SECONDS)

    async def _compare(self, before: float) -> bool:
        """One lot; whether there may be more."""
        database, now = self.desk.database, self.now()
        async with database.reading() as connection:
            due = await queries.due_for_check(connection, before, _LIMIT)
        for account in due:
            async with database.begin() as connection:
                is_ours = await queries.claim_check(connection, account, before, now)
            if is_ours:
                await self._try(self.syncer.sync(account))
        return len(due) == _LIMIT and now >= before

    async def _try(self, work: Awaitable[object]) -> None:
        """One account that fails is told, and does not stop the others."""
        try:
            await work
        except UnavailableError:
            raise
        except CinedgeError as error:
            self.report(f"a payment cannot be compared: {error.detail}")
