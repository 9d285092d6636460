"""Each request for a mail writes as much, whoever is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from cdnkit.service.viewers import Role
from origin.domains.accounts import joining, queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import Account
from origin.domains.accounts.refusals import BadLinkError
from tests.helpers.people import mails

ANNA = Account("anna", "anna@a.org", "Anna@a.org", "hash", Role.VIEWER, "de", False, 1.0)


async def statements(ground: Ground, work: Callable[[], Awaitable[None]]) -> list[str]:
    """The kinds of statements that some work sends."""
    heard: list[str] = []

    def hear(conn: object, cursor: object, statement: str, *rest: object) -> None:
        heard.append(" ".join(statement.split()[:3]))

    engine = ground.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", hear)
    await work()
    sa.event.remove(engine, "before_cursor_execute", hear)
    return heard


@pytest.mark.parametrize("what", ["invite", "reset", "move"])
async def test_as_much_is_done_for_an_address_that_nobody_has(ground: Ground, what: str) -> None:
    stranger = Account("new", "b@a.org", "b@a.org", "hash", Role.VIEWER, "", False, 0.0)
    async with ground.database.begin() as connection:
        await queries.add_account(connection, ANNA)

    def asked(address: str) -> Callable[[], Awaitable[None]]:
        if what == "invite":
            draft = Account("new", address, address, "hash", Role.VIEWER, "", False, 0.0)
            return lambda: joining.invite(ground, draft)
        if what == "reset":
            return lambda: joining.offer_reset(ground, address, address)
        return lambda: joining.offer_move(ground, stranger, address, address)

    known = await statements(ground, asked("anna@a.org"))
    unknown = await statements(ground, asked("nobody@a.org"))
    assert known == unknown
    assert len(await mails(ground.database)) == 2


async def test_moved_account_tells_the_old_address(ground: Ground) -> None:
    async with ground.database.begin() as connection:
        await queries.add_account(connection, ANNA)
    await joining.offer_move(ground, ANNA, "Anna@b.org", "anna@b.org")
    (mail,) = await mails(ground.database)
    async with ground.database.reading() as connection:
        assert await queries.find_contact(connection, mail.account) == ("Anna@b.org", "de")
    outcome = await joining.follow_link(ground, mail.token, "tv")
    assert outcome.issued is not None
    assert outcome.issued.account.email == "Anna@b.org"
    farewell = (await mails(ground.database, "account.address_changed"))[0]
    async with ground.database.reading() as connection:
        assert await queries.find_contact(connection, farewell.account) == ("Anna@a.org", "de")
    with pytest.raises(BadLinkError):
        await joining.follow_link(ground, mail.token, "tv")
    with pytest.raises(BadLinkError):
        await joining.choose_password(ground, mail.token, "password!", "hash", "tv")
