"""Requests are nobody's, a profile's, or refused."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from cdnkit.errors import UnauthorizedError
from cdnkit.service.viewers import FIND_VIEWER, Viewer
from origin.catalog.audience import Audience
from origin.domains.audience import make_audience_of


def find_viewer(request: web.Request) -> Viewer:
    if request.headers["Authorization"] != "Bearer good":
        raise UnauthorizedError("the session has ended")
    return Viewer("anna", "s1", profile="kid", age_max=6, language="fr")


def request(app: web.Application, token: str = "") -> web.Request:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return make_mocked_request("GET", "/", headers=headers, app=app)


async def france(_request: web.Request) -> str:
    return "FR"


async def x_is_hidden(region: str) -> frozenset[str]:
    return frozenset({"x"} if region == "FR" else ())


async def test_somebody_signed_in_is_looked_at_by_profile() -> None:
    app = web.Application()
    app[FIND_VIEWER] = find_viewer
    audience_of = make_audience_of(18, france, x_is_hidden)
    assert await audience_of(request(app)) == Audience(18, region="FR", hidden=frozenset({"x"}))
    assert await audience_of(request(app, "good")) == Audience(
        6, "fr", "anna", "kid", "FR", frozenset({"x"})
    )
    with pytest.raises(UnauthorizedError):
        await audience_of(request(app, "bad"))


async def test_without_accounts_everybody_is_anonymous() -> None:
    audience_of = make_audience_of(12, france, x_is_hidden)
    assert await audience_of(request(web.Application(), "any")) == Audience(
        12, region="FR", hidden=frozenset({"x"})
    )
