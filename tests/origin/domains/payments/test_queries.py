"""Rows of payments on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from origin.catalog.database import Database
from origin.domains.payments import queries
from origin.domains.payments.queries import Operation
from origin.domains.payments.rules import Entitlement, State


def operation(id: str, account: str = "anna") -> Operation:
    return Operation(id, account, "subscribe", {"stripe_plan": "x"}, 1)


async def test_first_customer_of_an_account_stays(database: Database) -> None:
    async with database.begin() as connection:
        assert await queries.add_customer(connection, "anna", "cus_1") == "cus_1"
        assert await queries.add_customer(connection, "anna", "cus_2") == "cus_1"
        found = await queries.find_customer(connection, "cus_1")
        assert found is not None
        assert (found.account, found.state) == ("anna", State.NONE)
        assert await queries.find_customer(connection, "cus_2") is None


async def test_reads_are_numbered_and_saving_does_not_count(database: Database) -> None:
    async with database.begin() as connection:
        assert await queries.begin_read(connection, "anna") is None
        await queries.add_customer(connection, "anna", "cus_1")
        first = await queries.begin_read(connection, "anna")
        second = await queries.begin_read(connection, "anna")
        assert first is not None
        assert second is not None
        assert (first.reads, second.reads) == (1, 2)
        await queries.save(connection, replace(first, state=State.ACTIVE, written=1))
        kept = await queries.lock(connection, "anna")
        assert kept is not None
        assert (kept.state, kept.reads, kept.written) == (State.ACTIVE, 2, 1)


async def test_account_has_one_operation_at_a_time(database: Database) -> None:
    async def begin(id: str) -> bool:
        async with database.begin() as connection:
            return await queries.begin_operation(connection, operation(id), "anna", 100.0, 0.0)

    begun = await asyncio.gather(*(begin(f"op{number}") for number in range(6)))
    assert sorted(begun) == [False] * 5 + [True]


async def test_operation_is_taken_over_by_one_when_its_time_is_over(database: Database) -> None:
    async with database.begin() as connection:
        await queries.begin_operation(connection, operation("op1"), "anna", 100.0, 0.0)

    async def take(now: float) -> Operation | None:
        async with database.begin() as connection:
            return await queries.take_over(connection, "anna", now + 100, now)

    assert await take(99.0) is None
    taken = await asyncio.gather(*(take(100.0) for _ in range(4)))
    (found,) = [each for each in taken if each is not None]
    assert (found.id, found.attempts, found.asked) == ("op1", 2, {"stripe_plan": "x"})
    async with database.begin() as connection:
        assert await queries.left_operations(connection, 300.0, 10) == ["anna"]
        assert await queries.finish(connection, "op1", "done", {})
        assert not await queries.finish(connection, "op1", "done", {})
        assert await queries.left_operations(connection, 300.0, 10) == []
        assert await queries.operations_of(connection, "anna") == [("subscribe", "done")]
        assert await queries.begin_operation(connection, operation("op2"), "anna", 1.0, 1.0)


async def test_event_is_new_until_it_is_handled(database: Database) -> None:
    async with database.begin() as connection:
        assert await queries.note_event(connection, "evt_1", "invoice.paid", 1.0)
        assert await queries.note_event(connection, "evt_1", "invoice.paid", 2.0)
        await queries.handled_event(connection, "evt_1", 3.0)
        assert not await queries.note_event(connection, "evt_1", "invoice.paid", 4.0)
        await queries.forget_before(connection, 2.0)
        assert await queries.note_event(connection, "evt_1", "invoice.paid", 5.0)


async def test_comparison_is_made_by_one(database: Database) -> None:
    async with database.begin() as connection:
        await queries.add_customer(connection, "anna", "cus_1")
        assert await queries.due_for_check(connection, 10.0, 5) == ["anna"]
        assert await queries.claim_check(connection, "anna", 10.0, 11.0)
        assert not await queries.claim_check(connection, "anna", 10.0, 11.0)
        assert await queries.due_for_check(connection, 10.0, 5) == []


async def test_entitlement_is_replaced_and_erased(database: Database) -> None:
    first = Entitlement("basic", State.ACTIVE, 10.0, 1, 720)
    async with database.begin() as connection:
        await queries.entitle(connection, "anna", first)
        await queries.entitle(connection, "anna", replace(first, plan="premium", streams_max=4))
        found = await queries.entitlement_of(connection, "anna")
        assert found is not None
        assert (found.plan, found.streams_max) == ("premium", 4)
        await queries.erase(connection, "anna")
        assert await queries.entitlement_of(connection, "anna") is None
