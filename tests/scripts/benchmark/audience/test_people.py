"""Accounts are made as everybody makes one, and all of them or none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from origin.catalog.database import Database, open_database, parse_database_url
from origin.catalog.tables import outbox
from scripts.benchmark.audience.calls import Answer, Caller
from scripts.benchmark.audience.people import make_accounts
from scripts.cli.errors import FailedError


class Mailing(Caller):
    """An origin that posts a mail for each account, and answers what its token says."""

    def __init__(self, database: Database, refused: str = "") -> None:
        self.database = database
        self.refused = refused
        self.asked: list[str] = []

    async def ask(
        self, name: str, method: str, path: str, json: Any = None, token: str = ""
    ) -> Answer:
        self.asked.append(f"{method} {path}")
        if path == self.refused:
            return Answer(503, {"title": "not now"})
        if path == "/v1/accounts":
            await self.post(json["email"])
        of = token or str((json or {}).get("token"))
        return Answer(200, {"access_token": of, "email": of, "id": f"profile of {of}"})

    async def post(self, email: str) -> None:
        """A mail whose token is the address."""
        link = {"link": f"http://films.example/#/verify?token={email}"}
        row = {"at": 1.0, "key": email, "kind": "account.verify", "account": "", "profile": ""}
        async with self.database.begin() as connection:
            await connection.execute(sa.insert(outbox).values(**row, payload=link))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await open_database(parse_database_url("", tmp_path))
    yield opened
    await opened.close()


@pytest.mark.parametrize("pays", [True, False])
async def test_each_account_follows_its_own_link_and_no_older_one(
    database: Database, pays: bool
) -> None:
    caller = Mailing(database)
    await caller.post("of an earlier run")
    made = await make_accounts(caller, database, "tag", 3, pays=pays)
    emails = {f"viewer-{number}-tag@films.example" for number in range(3)}
    assert {each.email for each in made} == emails
    assert {each.profile for each in made} == {f"profile of {email}" for email in emails}
    assert caller.asked.count("POST /v1/subscription") == (3 if pays else 0)


async def test_account_that_cannot_be_made_ends_the_run(database: Database) -> None:
    with pytest.raises(FailedError, match="POST /v1/profiles: 503"):
        await make_accounts(Mailing(database, "/v1/profiles"), database, "tag", 1, pays=False)
