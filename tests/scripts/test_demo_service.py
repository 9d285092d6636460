"""What stands beside `cinedge up --service`, and what is made there once.

The whole, with real tiers, is in scenarios/test_up_service.py.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cdnkit.errors import UnavailableError
from config.service import Payments, Plan, Price, Service, StripeWebhook
from scripts.demo_service import (
    furnish,
    is_doubled,
    require_parts,
    stripe_command,
    urls_beside,
)
from scripts.demo_topology import HOST


def test_stripe_itself_gets_no_double() -> None:
    assert not is_doubled(None)
    assert not is_doubled(Payments(plans=()))
    assert urls_beside(Service()) == ()
    script = f"http://{HOST}:7/js.stripe.com/v3/"
    doubled = Payments(plans=(), api_url=f"http://{HOST}:7", script_url=script)
    assert is_doubled(doubled)
    assert urls_beside(Service(payments=doubled)) == (script,)
    assert stripe_command(doubled, Path("kept"))[-4:] == ["--port", "7", "--keep", "kept"]


def test_part_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_parts()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"aiosmtpd.*localstripe.*scripts/setup"):
        require_parts()


class Surroundings:
    """Origin and Stripe in one, which remember what was made."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.plans: list[Any] = []
        self.licences: list[Any] = []
        self.webhooks: list[Any] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/plans/{id}", self.get_plan)
        app.router.add_post("/v1/plans", self.post(self.plans))
        app.router.add_get("/v1/licences", self.list_licences)
        app.router.add_post("/v1/licences", self.post(self.licences))
        app.router.add_post("/_config/webhooks/cinedge", self.post(self.webhooks))
        return app

    async def get_plan(self, request: web.Request) -> web.Response:
        known = request.match_info["id"] in [plan["id"] for plan in self.plans]
        return web.Response(status=200 if known else 404)

    async def list_licences(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self.licences})

    def post(self, kept: list[Any]) -> Any:
        async def take(request: web.Request) -> web.Response:
            if self.refuse:
                return web.json_response({"detail": "no room"}, status=507)
            kept.append(await request.json())
            return web.Response()

        return take


async def furnished(around: Surroundings, times: int) -> str:
    async with TestServer(around.app()) as server, aiohttp.ClientSession() as client:
        url = str(server.make_url("")).rstrip("/")
        payments = Payments(
            plans=(Plan("basic", "Basic", (Price("eur", 799, "basic-eur"),)),),
            api_url=url,
            webhook=StripeWebhook("whsec"),
        )
        for _ in range(times):
            await furnish(client, Service(payments=payments), url, "film")
        return url


async def test_plans_and_licence_are_made_once_and_webhooks_asked_for_each_time() -> None:
    around = Surroundings()
    url = await furnished(around, times=2)
    assert [(plan["id"], plan["amount"]) for plan in around.plans] == [("basic-eur", 799)]
    assert around.licences == [{"title_id": "film", "plans": ["basic"]}]
    hook = {"url": f"{url}/v1/payments/webhook", "secret": "whsec"}
    assert around.webhooks == [hook, hook]


async def test_refusal_is_told_in_the_words_of_who_refuses() -> None:
    with pytest.raises(UnavailableError, match=r"507.*no room"):
        await furnished(Surroundings(refuse=True), times=1)
