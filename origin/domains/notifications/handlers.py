"""The routes of inbox, preferences and pushes; the stream of the inbox is `stream`'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from aiohttp import web

from cdnkit.errors import BadRequestError, ConflictError, NotFoundError
from cdnkit.service.operations import Answer, operation, reply
from cdnkit.service.viewers import Viewer
from origin.catalog.database import Database
from origin.domains.notifications import queries, rules, shapes
from origin.domains.notifications.channels import UNSUBSCRIBE_PATH
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.push import PushService
from origin.domains.notifications.queries import Device

DEVICES_MAX: Final = 20
_PAGE: Final = Answer("A page to read.", content_type="text/html")
_PAGE_FIELDS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Handlers:
    """What people ask of their notifications. Without `push` there are no pushes."""

    def __init__(
        self,
        database: Database,
        site_url: str,
        push: PushService | None,
        now: Callable[[], float],
        make_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._site_url = site_url
        self._push = push
        self._now = now
        self._make_id = make_id

    def routes(self) -> Sequence[web.RouteDef]:
        """What to mount."""
        return [
            web.get("/v1/inbox", self.list_inbox),
            web.post("/v1/inbox/{number}/read", self.read),
            web.get("/v1/notifications/preferences", self.get_preferences),
            web.put("/v1/notifications/preferences", self.put_preferences),
            web.get(UNSUBSCRIBE_PATH, self.show_unsubscribe),
            web.post(UNSUBSCRIBE_PATH, self.unsubscribe),
            web.get("/v1/push/key", self.get_key),
            web.post("/v1/push", self.add_device),
            web.delete("/v1/push/{id}", self.remove_device),
        ]

    @operation(tag="notifications", problems=(BadRequestError,))
    async def list_inbox(
        self, request: web.Request, viewer: Viewer, query: shapes.InboxQuery
    ) -> shapes.InboxPage:
        """Messages of the account, newest first."""
        async with self._database.reading() as connection:
            rows = await queries.inbox_before(
                connection, viewer.account, query.after, query.limit + 1
            )
            unread = await queries.count_unread(connection, viewer.account)
        shown = rows[: query.limit]
        return shapes.InboxPage(
            items=[shapes.Message.of(row, viewer.language, self._site_url) for row in shown],
            next=shown[-1].number if len(rows) > len(shown) else None,
            unread=unread,
        )

    @operation(
        tag="notifications",
        problems=(BadRequestError, NotFoundError),
        answers={204: Answer("It is no longer new.")},
    )
    async def read(
        self, request: web.Request, viewer: Viewer, path: shapes.NumberPath
    ) -> web.Response:
        """A message is no longer new."""
        async with self._database.begin() as connection:
            is_there = await queries.mark_read(connection, viewer.account, path.number, self._now())
        if not is_there:
            raise NotFoundError("there is no such message")
        return web.Response(status=204)

    @operation(tag="notifications")
    async def get_preferences(self, request: web.Request, viewer: Viewer) -> shapes.PreferencesView:
        """Which kinds of messages come by which channels."""
        async with self._database.reading() as connection:
            wishes = await queries.wishes_of(connection, viewer.account)
        items = [shapes.PreferenceView.of(each) for each in rules.preferences(wishes)]
        return shapes.PreferencesView(items=items)

    @operation(
        tag="notifications",
        problems=(BadRequestError, rules.FixedPreferenceError),
        answers={200: Answer("As it stands now.", shapes.PreferencesView)},
    )
    async def put_preferences(
        self, request: web.Request, viewer: Viewer, body: shapes.Wishes
    ) -> web.Response:
        """Change which kinds come by which channels."""
        for wish in body.items:
            rules.check_wish(wish.kind, wish.channel, wanted=wish.wanted)
        async with self._database.begin() as connection:
            for wish in body.items:
                await queries.wish(
                    connection, viewer.account, wish.kind, wish.channel, wanted=wish.wanted
                )
            wishes = await queries.wishes_of(connection, viewer.account)
        items = [shapes.PreferenceView.of(each) for each in rules.preferences(wishes)]
        return reply(shapes.PreferencesView(items=items))

    @operation(
        tag="notifications",
        problems=(BadRequestError, rules.FixedPreferenceError, NotFoundError),
        answers={200: _PAGE},
    )
    async def show_unsubscribe(
        self, request: web.Request, query: shapes.UnsubscribeQuery
    ) -> web.Response:
        """The page behind the link in a mail: reading it changes nothing, its button does."""
        await self._account_of(query)
        action = escape(request.path_qs)
        button = f'<form method="post" action="{action}"><button>Unsubscribe</button></form>'
        return _page(f"<p>No more mails of the kind {escape(query.kind)}?</p>{button}")

    @operation(
        tag="notifications",
        problems=(BadRequestError, rules.FixedPreferenceError, NotFoundError),
        answers={200: _PAGE},
    )
    async def unsubscribe(
        self, request: web.Request, query: shapes.UnsubscribeQuery
    ) -> web.Response:
        """No more mails of one kind, by the mailbox's own button (RFC 8058) or ours."""
        account = await self._account_of(query)
        async with self._database.begin() as connection:
            await queries.wish(connection, account, query.kind, Channel.MAIL, wanted=False)
        return _page("<p>There will be no more mails of this kind.</p>")

    async def _account_of(self, query: shapes.UnsubscribeQuery) -> str:
        rules.check_wish(query.kind, Channel.MAIL, wanted=False)
        async with self._database.reading() as connection:
            account = await queries.account_of_token(connection, query.token)
        if account is None:
            raise NotFoundError("this link belongs to nobody any more")
        return account

    @operation(tag="notifications", problems=(NotFoundError,))
    async def get_key(self, request: web.Request) -> shapes.PushKey:
        """The key that browsers subscribe with (RFC 8292)."""
        return shapes.PushKey(key=self._pushes().public_key)

    @operation(
        tag="notifications",
        problems=(BadRequestError, ConflictError, NotFoundError),
        answers={201: Answer("It will be told.", shapes.DeviceView)},
    )
    async def add_device(
        self, request: web.Request, viewer: Viewer, body: shapes.NewDevice
    ) -> web.Response:
        """Tell this device too."""
        rules.check_push_endpoint(body.endpoint, self._pushes().hosts)
        device = Device(
            self._make_id(), viewer.account, body.endpoint, body.keys.p256dh, body.keys.auth
        )
        async with self._database.begin() as connection:
            if len(await queries.devices_of(connection, viewer.account)) >= DEVICES_MAX:
                raise ConflictError(f"an account has at most {DEVICES_MAX} such devices")
            kept = await queries.add_device(connection, device, self._now())
        return reply(shapes.DeviceView(id=kept), 201)

    @operation(
        tag="notifications",
        problems=(BadRequestError, NotFoundError),
        answers={204: Answer("It is told no more.")},
    )
    async def remove_device(
        self, request: web.Request, viewer: Viewer, path: shapes.DevicePath
    ) -> web.Response:
        """Tell a device no more."""
        async with self._database.begin() as connection:
            was_there = await queries.remove_device(connection, path.id, viewer.account)
        if not was_there:
            raise NotFoundError("there is no such device")
        return web.Response(status=204)

    def _pushes(self) -> PushService:
        if self._push is None:
            raise NotFoundError("there are no pushes here")
        return self._push


def _page(body: str) -> web.Response:
    text = f'<!doctype html><html lang="en"><title>Mails</title><body>{body}</body></html>'
    return web.Response(text=text, content_type="text/html", headers=_PAGE_FIELDS)
