"""A handler that takes a viewer is called with one, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from cdnkit.errors import UnauthorizedError
from cdnkit.service.auth import ADMIN_SCOPE
from cdnkit.service.openapi import describe_api
from cdnkit.service.operations import Shape, operation
from cdnkit.service.viewers import FIND_VIEWER, SCOPES, Role, Viewer
from tests.cdnkit.service.conftest import Start


class Seen(Shape):
    """Who was seen."""

    account: str
    profile: str


@operation()
async def whoami(request: web.Request, viewer: Viewer) -> Seen:
    """Tell."""
    return Seen(account=viewer.account, profile=viewer.profile)


@operation(profile=True)
async def watch(request: web.Request, viewer: Viewer) -> Seen:
    """Tell who watches."""
    return Seen(account=viewer.account, profile=viewer.profile)


def find(request: web.Request) -> Viewer:
    """Sessions are called account or account/profile."""
    account, _, profile = request.headers.get("Authorization", "").partition("/")
    if not account:
        raise UnauthorizedError("who?")
    return Viewer(account, "s", profile=profile)


@pytest.fixture
async def rig(start: Start) -> Any:
    return await start([web.get("/whoami", whoami), web.get("/watch", watch)], find_viewer=find)


@pytest.mark.parametrize(
    ("path", "session", "status", "code"),
    [
        ("/whoami", "", 401, "unauthorized"),
        ("/watch", "", 401, "unauthorized"),
        ("/watch", "anna", 403, "profile-needed"),
    ],
)
async def test_refused_without_account_or_profile(
    rig: Any, path: str, session: str, status: int, code: str
) -> None:
    async with rig.client.get(rig.url(path), headers={"Authorization": session}) as answer:
        body = await answer.json(content_type=None)
    assert (answer.status, body["type"]) == (status, f"urn:cinedge:problem:{code}")


@pytest.mark.parametrize(
    ("path", "session", "profile"), [("/whoami", "anna", ""), ("/watch", "anna/kid", "kid")]
)
async def test_handler_is_told_who_asks(rig: Any, path: str, session: str, profile: str) -> None:
    async with rig.client.get(rig.url(path), headers={"Authorization": session}) as answer:
        assert await answer.json() == {"account": "anna", "profile": profile}


def test_document_names_the_session_and_its_refusals() -> None:
    app = web.Application()
    app[FIND_VIEWER] = find
    app.add_routes([web.get("/whoami", whoami), web.get("/watch", watch)])
    paths = describe_api(app, "t", "1", "")["paths"]
    assert paths["/whoami"]["get"]["security"] == [{"session": []}]
    assert set(paths["/whoami"]["get"]["responses"]) == {"200", "400", "401"}
    assert set(paths["/watch"]["get"]["responses"]) == {"200", "400", "401", "403"}


def test_every_role_has_its_scopes_and_only_admins_have_all() -> None:
    assert set(SCOPES) == set(Role)
    assert [role for role in Role if ADMIN_SCOPE in SCOPES[role]] == [Role.ADMIN]


async def test_where_there_are_no_accounts_nobody_is_signed_in(start: Start) -> None:
    rig = await start([web.get("/whoami", whoami)])
    async with rig.client.get(rig.url("/whoami"), headers={"Authorization": "anna"}) as answer:
        assert answer.status == 401
