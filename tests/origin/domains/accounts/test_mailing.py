"""A link's token is in the event alone; the row keeps its hash and for whom it is."""

from __future__ import annotations

from origin.catalog import outbox
from origin.domains.accounts import mailing, queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.mailing import Letter
from origin.domains.accounts.records import Purpose

LETTER = Letter("account.reset", Purpose.RESET, "reset", "anna", "Anna@a.org", "anna@a.org", "de",
                60.0, {"more": 1})  # fmt: skip


async def test_row_keeps_the_hash_of_what_is_sent(ground: Ground) -> None:
    async with ground.database.begin() as connection:
        link = await mailing.send_letter(ground, connection, LETTER)
        (posted,) = await outbox.waiting(connection, 10)
        assert posted.event.payload == {"link": link}
        assert posted.event.account == "anna"
        token = link.rpartition("token=")[2]
        assert len(token) == 48
        hash = mailing.hash_token(token)
        found = await queries.use_mailed(connection, hash, ground.now())
    assert found is not None
    assert (found.purpose, found.hash) == (Purpose.RESET, hash)
    assert found.detail == {"more": 1, "email": "Anna@a.org", "language": "de"}


async def test_who_has_no_account_is_reached_by_the_letter(ground: Ground) -> None:
    letter = Letter("account.unknown", Purpose.NOTHING, "", "", "b@a.org", "b@a.org", "", 60.0,
                    to_address=True)  # fmt: skip
    async with ground.database.begin() as connection:
        link = await mailing.send_letter(ground, connection, letter)
        (posted,) = await outbox.waiting(connection, 10)
        assert "token" not in link
        contact = await queries.find_contact(connection, posted.event.account)
    assert contact == ("b@a.org", "")
