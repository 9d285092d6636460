"""Owners prove who they are before they change what matters."""

from __future__ import annotations

import pytest

from cdnkit.service.viewers import Role, Viewer
from origin.domains.accounts import operating, owning, queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.refusals import (
    BadPasswordError,
    SessionEndedError,
    WrongPasswordError,
)
from tests.helpers.people import mails


async def anna(ground: Ground) -> Viewer:
    await operating.add_account(ground, "anna@a.org", Role.VIEWER, "correct horse")
    async with ground.database.reading() as connection:
        found = await queries.find_address(connection, "anna@a.org")
    assert found is not None
    return Viewer(found.id, "sid")


async def test_only_the_present_password_proves(ground: Ground) -> None:
    viewer = await anna(ground)
    await owning.prove(ground, viewer, "correct horse", {})
    with pytest.raises(WrongPasswordError):
        await owning.prove(ground, viewer, "wrong horse", {})
    with pytest.raises(SessionEndedError):
        await owning.prove(ground, Viewer("nobody", "sid"), "correct horse", {})


async def test_password_language_and_address_change(ground: Ground) -> None:
    viewer = await anna(ground)
    with pytest.raises(BadPasswordError):
        await owning.change_password(ground, viewer, "anna@a.org")
    await owning.change_password(ground, viewer, "another horse")
    await owning.prove(ground, viewer, "another horse", {})
    await owning.change_language(ground, viewer, "de")
    assert (await owning.own_account(ground, viewer)).language == "de"
    await owning.ask_to_move(ground, viewer, "Anna@b.org", "anna@b.org")
    kinds = [mail.kind for mail in await mails(ground.database)]
    assert kinds == ["account.password_changed", "account.verify"]
