"""Accounts as operators see them: finding, and for admins, giving roles and locking.

A changed role or lock reaches every device at once: access tokens that say otherwise are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from cdnkit.errors import NotFoundError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.paging import PageOf
from cdnkit.service.patterns import segment
from origin.domains.accounts import operating, shapes
from origin.domains.accounts.answers import account_answer
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.refusals import BadAddressError


class Management:
    """What is asked with a scope."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> Sequence[web.RouteDef]:
        """Two operations."""
        return [
            web.get("/v1/accounts", self.find),
            web.patch(f"/v1/accounts/{segment('id')}", self.change),
        ]

    @operation(problems=(BadAddressError,), scope="operate", tag="accounts")
    async def find(
        self, request: web.Request, query: shapes.AccountQuery
    ) -> PageOf[shapes.AccountAnswer]:
        """Accounts in the order of their ids, or the one with an address."""
        found = await operating.find_accounts(
            self._ground, query.email, query.after, query.limit + 1
        )
        page = found[: query.limit]
        return PageOf[shapes.AccountAnswer](
            items=[account_answer(account) for account in page],
            next=page[-1].id if len(found) > len(page) else None,
        )

    @operation(
        answers={200: Answer("Changed.", shapes.AccountAnswer)},
        problems=(NotFoundError,),
        scope="admin",
        tag="accounts",
    )
    async def change(
        self, request: web.Request, path: shapes.AccountPath, body: shapes.ChangingAccount
    ) -> web.Response:
        """Give a role, lock or unlock."""
        changes = body.model_dump(exclude_none=True)
        account = await operating.change_account(self._ground, path.id, changes)
        if account is None:
            raise NotFoundError("There is no such account.")
        return reply(account_answer(account))
