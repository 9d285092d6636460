"""Accounts of an audience, made over HTTP as everybody does; mails are read from the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from origin.catalog.database import Database
from origin.catalog.tables import outbox
from scripts.benchmark.audience.calls import Caller
from scripts.benchmark.audience.viewer import PASSWORD, PLANS, Account
from scripts.cli.errors import FailedError

_AT_ONCE: Final = 8
_CARD: Final = "pm_card_visa"


async def make_accounts(
    caller: Caller, database: Database, tag: str, count: int, *, pays: bool
) -> Sequence[Account]:
    """So many, each with a profile, and the first plan when it `pays`; `tag` makes them new.

    Raises FailedError.
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def register(number: int) -> None:
        async with slots:
            email = f"viewer-{number}-{tag}@films.example"
            asked = {"email": email, "password": PASSWORD}
            await _must(caller, "POST", "/v1/accounts", asked)

    async def enter(token: str) -> Account:
        async with slots:
            return await _enter(caller, token, pays=pays)

    before = [token async for token in _mailed(database)]
    await asyncio.gather(*(register(number) for number in range(count)))
    tokens = [token async for token in _mailed(database) if token not in before]
    return await asyncio.gather(*(enter(token) for token in tokens))


async def _enter(caller: Caller, mailed: str, *, pays: bool) -> Account:
    entered = await _must(caller, "POST", "/v1/accounts/verify", {"token": mailed})
    token = entered["access_token"]
    account = await _must(caller, "GET", "/v1/accounts/me", token=token)
    profile = await _must(caller, "POST", "/v1/profiles", {"name": "Somebody"}, token)
    chosen = {"profile_id": profile["id"]}
    entered = await _must(caller, "POST", "/v1/sessions/profile", chosen, token)
    token = entered["access_token"]
    if pays:
        await _must(caller, "POST", "/v1/payment-methods", {"payment_method": _CARD}, token)
        await _must(caller, "POST", "/v1/subscription", {"plan": PLANS[0]}, token)
    return Account(account["email"], profile["id"], token)


async def _mailed(database: Database) -> AsyncIterator[str]:
    """Tokens of the links that verify an address."""
    query = sa.select(outbox.c.payload).where(outbox.c.kind == "account.verify")
    async with database.reading() as connection:
        for row in await connection.execute(query.order_by(outbox.c.number)):
            yield str(row.payload["link"]).rpartition("token=")[2]


async def _must(caller: Caller, method: str, path: str, body: Any = None, token: str = "") -> Any:
    answer = await caller.ask("prepare", method, path, body, token)
    if not answer.is_good:
        raise FailedError(f"{method} {path}: {answer.status} {answer.body!r}")
    return answer.body
