"""What others keep is exported at one moment and erased with the account, or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import UnavailableError
from cdnkit.service.viewers import Role, Viewer
from origin.domains.accounts import issuing, leaving, owning, queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.leaving import Keeper
from origin.domains.accounts.records import Account, Profile
from origin.domains.accounts.refusals import SessionEndedError

ANNA = Account("anna", "anna@a.org", "Anna@a.org", "hash", Role.VIEWER, "de", False, 1.0)
VIEWER = Viewer("anna", "sid")


class History:
    """Something that another part keeps."""

    def __init__(self, *, fails: bool = False) -> None:
        self.erased: list[str] = []
        self.keeper = Keeper("history", self.export, self.erase, self.erase_profile)
        self._fails = fails

    async def export(self, _connection: AsyncConnection, account: str) -> list[str]:
        return [f"film of {account}"]

    async def erase(self, _connection: AsyncConnection, account: str) -> None:
        if self._fails:
            raise UnavailableError("not now")
        self.erased.append(account)

    async def erase_profile(self, _connection: AsyncConnection, profile: str) -> None:
        self.erased.append(f"profile {profile}")


async def anna(ground: Ground) -> str:
    async with ground.database.begin() as connection:
        await queries.add_account(connection, ANNA)
        await queries.add_profile(connection, Profile("kid", "anna", "Kim"))
        outcome = await issuing.start_session(ground, connection, ANNA, "tv")
    assert outcome.issued is not None
    return outcome.issued.access_token


async def test_all_that_is_kept_is_collected(ground: Ground) -> None:
    await anna(ground)
    kept = await leaving.collect(ground, VIEWER, [History().keeper])
    assert (kept.account, len(kept.profiles), len(kept.sessions)) == (ANNA, 1, 1)
    assert kept.more == {"history": ["film of anna"]}


async def test_account_goes_with_all_that_is_kept(ground: Ground) -> None:
    token, history = await anna(ground), History()
    await leaving.erase(ground, "anna", [history.keeper])
    assert history.erased == ["anna"]
    assert ground.gate.read(token, ground.now()) is None
    for _ in range(2):
        with pytest.raises(SessionEndedError):
            await owning.own_account(ground, VIEWER)
    with pytest.raises(SessionEndedError):
        await leaving.erase(ground, "anna", [])


async def test_when_one_part_cannot_erase_nothing_is_erased(ground: Ground) -> None:
    token = await anna(ground)
    with pytest.raises(UnavailableError):
        await leaving.erase(ground, "anna", [History(fails=True).keeper])
    assert await owning.own_account(ground, VIEWER) == ANNA
    assert ground.gate.read(token, ground.now())


async def test_profile_goes_with_what_is_kept_of_profiles(ground: Ground) -> None:
    history = History()
    of_accounts = Keeper("payments", history.export, history.erase)
    async with ground.database.begin() as connection:
        await leaving.erase_profile([of_accounts, history.keeper], connection, "kid")
    assert history.erased == ["profile kid"]
