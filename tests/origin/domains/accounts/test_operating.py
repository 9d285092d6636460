"""An operator's command needs no admin, and reaches devices that are signed in."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy.exc import IntegrityError

from cdnkit.service.viewers import Role
from origin.domains.accounts import entering, following, joining, operating
from origin.domains.accounts.gate import Gate
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.refusals import WrongPasswordError


async def test_new_role_asks_devices_for_new_tokens(ground: Ground) -> None:
    assert not await operating.has_account(ground, "Anna@a.org")
    assert await operating.add_account(ground, "Anna@a.org", Role.VIEWER, "correct horse") == ""
    assert await operating.has_account(ground, "anna@a.org")
    outcome = await entering.sign_in(ground, "anna@a.org", "correct horse", {}, "tv")
    assert outcome.issued is not None
    elsewhere = dataclasses.replace(ground, gate=Gate(ground.settings.access_seconds))
    await following.catch_up(elsewhere)
    assert elsewhere.gate.read(outcome.issued.access_token, ground.now())
    await operating.give_role(ground, "anna@a.org", Role.ADMIN)
    await following.catch_up(elsewhere)
    for each in (ground, elsewhere):
        assert each.gate.read(outcome.issued.access_token, ground.now()) is None
    with pytest.raises(IntegrityError):
        await operating.add_account(ground, "anna@a.org", Role.VIEWER, "correct horse")


async def test_without_a_password_nobody_signs_in_before_the_link_is_followed(
    ground: Ground,
) -> None:
    link = await operating.add_account(ground, "anna@a.org", Role.ADMIN, "")
    with pytest.raises(WrongPasswordError):
        await entering.sign_in(ground, "anna@a.org", "", {}, "tv")
    kept = await ground.passwords.hash("correct horse")
    token = link.rpartition("token=")[2]
    outcome = await joining.choose_password(ground, token, "correct horse", kept, "tv")
    assert outcome.issued is not None
    assert outcome.issued.account.role is Role.ADMIN
