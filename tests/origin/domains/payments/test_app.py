"""What other domains ask of payments."""

from __future__ import annotations

import asyncio
import time

from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.app import Payments, entitlement, export
from origin.domains.payments.rules import Entitlement, State
from tests.helpers.domain_app import running_domain


async def test_entitlement_is_told_while_it_lasts(database: Database) -> None:
    made = Entitlement("basic", State.PAST_DUE, 100.0, 1, 720)
    async with database.begin() as connection:
        await queries.entitle(connection, "anna", made)
        assert await entitlement(connection, "anna", 99.0) == made
        assert await entitlement(connection, "anna", 100.0) is None
        assert await entitlement(connection, "nobody", 1.0) is None


async def test_export_says_what_is_kept(database: Database) -> None:
    async with database.begin() as connection:
        assert await export(connection, "anna") == {}
        await queries.add_customer(connection, "anna", "cus_1")
        assert (await export(connection, "anna"))["customer"] == "cus_1"


async def test_domain_compares_from_its_start(
    database: Database, payments: Payments, account: str
) -> None:
    await payments.reconciler.desk.customer(account)
    began = time.time()
    async with running_domain(payments), asyncio.timeout(20):
        while True:
            async with database.reading() as connection:
                row = await queries.find(connection, account)
            if row is not None and row.checked_at >= began:
                return
            await asyncio.sleep(0.02)
