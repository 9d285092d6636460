"""People of the film service for tests: they register, follow their mail's link and sign in.

For tests of any domain: over HTTP alone, but for mails, which are read from the outbox, and roles,
which are written into the row as an operator's command would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from aiohttp import ClientSession

from cdnkit.service.viewers import Role
from config.service import Accounts
from origin.catalog.database import Database
from origin.catalog.tables import outbox
from origin.domains.accounts.tables import accounts

PASSWORD: Final = "correct horse battery"
CHEAP: Final = Accounts(hash_memory_bytes=64 << 10, hash_passes=1, hash_lanes=1)
"""Hashing costs of tests, and no others."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> str:
        """The problem's code; empty where none is told, as in answers to HEAD."""
        return str(self.body["type"]).rpartition(":")[2] if isinstance(self.body, dict) else ""


@dataclass(frozen=True, slots=True)
class Mail:
    """An event of the outbox."""

    kind: str
    account: str
    payload: dict[str, Any]

    @property
    def token(self) -> str:
        """The token in its link."""
        return str(self.payload["link"]).rpartition("token=")[2]


@dataclass(slots=True)
class Person:
    """Somebody with tokens, as a program holds them; `call` asks with the access token."""

    client: ClientSession
    email: str
    account: str = ""
    access: str = ""
    refresh: str = ""
    profile: str = ""

    async def call(self, method: str, path: str, json: Any = None, **fields: str) -> Answer:
        """One request; `fields` are further header fields, with _ for -."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if self.access:
            headers.setdefault("Authorization", f"Bearer {self.access}")
        async with self.client.request(method, path, json=json, headers=headers) as answer:
            if answer.content_type == "text/event-stream":
                return Answer(answer.status, "", answer.headers)  # it has no end
            is_json = answer.content_type.endswith("json")
            body = await answer.json(content_type=None) if is_json else await answer.text()
            return Answer(answer.status, body, answer.headers)

    def take(self, answer: Answer) -> None:
        """Hold the tokens that came."""
        self.access = answer.body["access_token"]
        self.refresh = answer.body.get("refresh_token", self.refresh)
        self.account = answer.body.get("account_id", self.account)

    async def choose(self, profile: str, pin: str = "") -> Answer:
        """Choose a profile."""
        asked = {"profile_id": profile, "pin": pin}
        answer = await self.call("POST", "/v1/sessions/profile", asked)
        if answer.status == 200:
            self.take(answer)
            self.profile = profile
        return answer


async def mails(database: Database, kind: str = "") -> Sequence[Mail]:
    """What was posted, oldest first."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(outbox).order_by(outbox.c.number))
        found = [Mail(row.kind, row.account, row.payload) for row in rows]
    return [mail for mail in found if kind in ("", mail.kind)]


async def register(client: ClientSession, database: Database, email: str) -> Person:
    """An account whose address is verified, signed in."""
    person = Person(client, email)
    asked = {"email": email, "password": PASSWORD}
    assert (await person.call("POST", "/v1/accounts", asked)).status == 202
    token = (await mails(database, "account.verify"))[-1].token
    answer = await person.call("POST", "/v1/accounts/verify", {"token": token, "device": "first"})
    assert answer.status == 200, answer.body
    person.take(answer)
    return person


async def sign_in(client: ClientSession, email: str, password: str = PASSWORD) -> Person:
    """One more device of an account."""
    person = Person(client, email)
    answer = await person.call("POST", "/v1/sessions", {"email": email, "password": password})
    assert answer.status == 201, answer.body
    person.take(answer)
    return person


async def join(
    client: ClientSession,
    database: Database,
    email: str,
    role: Role = Role.VIEWER,
    *,
    profile: bool = True,
    age_max: int = 99,
) -> Person:
    """Somebody with a role, a profile chosen unless said otherwise."""
    person = await register(client, database, email)
    if role is not Role.VIEWER:
        changed = sa.update(accounts).where(accounts.c.id == person.account).values(role=role)
        async with database.begin() as connection:
            await connection.execute(changed)
        person = await sign_in(client, email)
    if profile:
        asked = {"name": email.partition("@")[0][:40], "age_max": age_max}
        answer = await person.call("POST", "/v1/profiles", asked)
        assert answer.status == 201, answer.body
        assert (await person.choose(answer.body["id"])).status == 200
    return person
