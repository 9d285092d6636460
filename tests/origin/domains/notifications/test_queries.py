"""Inbox, wishes and devices as rows, on both databases."""

from __future__ import annotations

from origin.catalog.database import Database
from origin.catalog.outbox import Event
from origin.domains.notifications import queries
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.queries import Device


async def fill(database: Database) -> None:
    async with database.begin() as connection:
        for key, account in (("a", "anna"), ("b", "ben"), ("c", "anna"), ("a", "anna")):
            event = Event(key, "title.added", account, {"title": key})
            await queries.add_to_inbox(connection, event, 1.0)


async def test_inbox_holds_each_event_once_newest_first(database: Database) -> None:
    await fill(database)
    async with database.reading() as connection:
        rows = await queries.inbox_before(connection, "anna", 10**9, 10)
        assert [row.payload["title"] for row in rows] == ["c", "a"]
        later = await queries.inbox_before(connection, "anna", rows[0].number, 10)
        assert [row.payload["title"] for row in later] == ["a"]
        after = await queries.inbox_after(connection, "anna", later[0].number, 10)
        assert [row.payload["title"] for row in after] == ["c"]
        assert set(await queries.accounts_after(connection, 0)) == {"anna", "ben"}
        assert await queries.last_number(connection) >= rows[0].number


async def test_message_is_read_once_and_by_its_owner_only(database: Database) -> None:
    await fill(database)
    async with database.begin() as connection:
        (row,) = await queries.inbox_before(connection, "ben", 10**9, 10)
        assert not await queries.mark_read(connection, "anna", row.number, 5.0)
        assert await queries.count_unread(connection, "ben") == 1
        assert await queries.mark_read(connection, "ben", row.number, 5.0)
        assert await queries.mark_read(connection, "ben", row.number, 9.0)
        (read,) = await queries.inbox_before(connection, "ben", 10**9, 10)
        assert read.read_at == 5.0
        assert await queries.count_unread(connection, "ben") == 0


async def test_last_wish_counts(database: Database) -> None:
    async with database.begin() as connection:
        for wanted in (False, True, False):
            await queries.wish(connection, "anna", "title.added", Channel.PUSH, wanted=wanted)
        wishes = await queries.wishes_of(connection, "anna")
        assert wishes == {("title.added", Channel.PUSH): False}


async def test_token_stays_the_first_one(database: Database) -> None:
    async with database.begin() as connection:
        assert await queries.unsubscribe_token(connection, "anna", "t1") == "t1"
        assert await queries.unsubscribe_token(connection, "anna", "t2") == "t1"
        assert await queries.account_of_token(connection, "t1") == "anna"
        assert await queries.account_of_token(connection, "t2") is None


async def test_browser_that_signs_in_again_is_its_new_users(database: Database) -> None:
    async with database.begin() as connection:
        first = Device("d1", "anna", "https://push/x", "p", "a")
        assert await queries.add_device(connection, first, 1.0) == "d1"
        second = Device("d2", "ben", "https://push/x", "p2", "a2")
        assert await queries.add_device(connection, second, 2.0) == "d1"
        assert await queries.devices_of(connection, "anna") == []
        assert await queries.find_device(connection, "d1") == Device(
            "d1", "ben", "https://push/x", "p2", "a2"
        )
        assert not await queries.remove_device(connection, "d1", "anna")
        assert await queries.remove_device(connection, "d1", "ben")


async def test_erasing_leaves_nothing_of_one_and_all_of_others(database: Database) -> None:
    await fill(database)
    async with database.begin() as connection:
        device = Device("d1", "anna", "https://push/x", "p", "a")
        await queries.add_device(connection, device, 1.0)
        await queries.wish(connection, "anna", "title.added", Channel.PUSH, wanted=False)
        taken = await queries.export(connection, "anna")
        assert [each["about"]["title"] for each in taken["inbox"]] == ["a", "c"]
        assert taken["devices"] == ["https://push/x"]
        await queries.erase(connection, "anna")
        empty: dict[str, list[object]] = {"inbox": [], "preferences": [], "devices": []}
        assert await queries.export(connection, "anna") == empty
        assert len((await queries.export(connection, "ben"))["inbox"]) == 1


async def test_old_messages_are_forgotten(database: Database) -> None:
    await fill(database)
    async with database.begin() as connection:
        await queries.forget_before(connection, 2.0)
        assert await queries.inbox_before(connection, "anna", 10**9, 10) == []
