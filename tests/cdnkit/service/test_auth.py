"""Who may do what, and that it is written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cdnkit.service.auth import BearerAuth
from tests.cdnkit.service.conftest import Start

AUTH = BearerAuth(
    {
        "up-secret": ("uploader", ["upload"]),
        "root-secret": ("root", ["admin"]),
        "": ("nobody", ["admin"]),
    }
)


def guarded(auth: BearerAuth) -> list[web.RouteDef]:
    async def purge(request: web.Request) -> web.Response:
        return web.json_response({"by": auth.authorize(request, "purge")})

    async def upload(request: web.Request) -> web.Response:
        return web.json_response({"by": auth.authorize(request, "upload")})

    return [web.post("/purge", purge), web.put("/upload", upload)]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer ", 401),
        ("Bearer wrong", 401),
        ("Basic up-secret", 401),
        ("Bearer up-secretx", 401),
        ("Bearer up-secret", 200),
        ("bearer up-secret", 200),
        ("Bearer root-secret", 200),
    ],
)
async def test_only_known_tokens_upload(start: Start, header: str | None, status: int) -> None:
    rig = await start(guarded(AUTH))
    headers = {} if header is None else {"Authorization": header}
    async with rig.client.put(rig.url("/upload"), headers=headers) as answer:
        assert answer.status == status
        assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert rig.requests("PUT", "/upload", status) == 1


async def test_a_token_without_the_scope_is_forbidden_and_named(start: Start) -> None:
    rig = await start(guarded(AUTH))
    headers = {"Authorization": "Bearer up-secret"}
    async with rig.client.post(rig.url("/purge"), headers=headers) as answer:
        assert answer.status == 403
        assert "'purge'" in (await answer.json())["detail"]
    (record,) = await rig.records()
    assert (record["audit"], record["scope"], record["status"]) == ("uploader", "purge", 403)
    assert "up-secret" not in str(record)


async def test_every_admin_call_is_in_the_log_allowed_or_not(start: Start) -> None:
    rig = await start(guarded(AUTH))
    for secret in ("root-secret", "guess"):
        headers = {"Authorization": f"Bearer {secret}"}
        async with rig.client.post(rig.url("/purge"), headers=headers):
            pass
    records = await rig.records(2)
    assert [(r["audit"], r["status"]) for r in records] == [("root", 200), ("unknown", 401)]


async def test_without_an_access_log_the_audit_goes_to_diagnostics(start: Start) -> None:
    rig = await start(guarded(AUTH), logged=False)
    with capture_logs() as events:
        headers = {"Authorization": "Bearer root-secret"}
        async with rig.client.post(rig.url("/purge"), headers=headers) as answer:
            await answer.read()
        await rig.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    audits = [event for event in events if event["event"] == "audit"]
    assert [(a["audit"], a["scope"], a["path"]) for a in audits] == [("root", "purge", "/purge")]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:80"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "[::1]"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
        ({"Via": "1.1 edge"}, 401),
        ({"Forwarded": "for=192.0.2.1"}, 401),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_open_mode_takes_this_machine_and_no_page_of_another_site(
    start: Start, fields: dict[str, str], status: int
) -> None:
    rig = await start(guarded(BearerAuth.open()))
    async with rig.client.put(rig.url("/upload"), headers=fields) as answer:
        assert answer.status == status


class _Transport:
    def __init__(self, peer: Any) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._peer if name == "peername" else default


@pytest.mark.parametrize("peer", [None, ("192.0.2.1", 5), ("2001:db8::1", 5, 0, 0)])
async def test_open_mode_refuses_other_machines(
    start: Start, peer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web.Request, "transport", property(lambda _: _Transport(peer)))
    routes = guarded(BearerAuth.open())
    rig = await start(routes)
    async with rig.client.put(rig.url("/upload")) as answer:
        assert answer.status == 401


def test_open_says_so() -> None:
    assert BearerAuth.open().is_open
    assert not AUTH.is_open


@given(st.text(max_size=30))
def test_no_header_text_breaks_or_opens(text: str) -> None:
    expected = text.strip() in ("up-secret", "root-secret")
    assert (AUTH.identify(f"Bearer {text}") is not None) is expected


def test_bytes_above_ascii_in_the_field_are_just_wrong() -> None:
    assert AUTH.identify("Bearer \udcff\udcfe") is None


def test_secrets_are_not_kept() -> None:
    assert "up-secret" not in repr(vars(AUTH))


@pytest.mark.parametrize("make", [lambda: BearerAuth({"up-secret": ("uploader", ["upload"])}),
                                  BearerAuth.open])  # fmt: skip
async def test_who_is_recognised_is_judged_by_that_alone(
    start: Start, make: Callable[[], BearerAuth]
) -> None:
    def people(request: web.Request) -> tuple[str, frozenset[str]] | None:
        name = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return ("account:anna", frozenset({"upload"})) if name == "anna" else None

    auth = make()
    auth.recognise(people)
    rig = await start(guarded(auth))
    headers = {"Authorization": "Bearer anna"}
    async with rig.client.put(rig.url("/upload"), headers=headers) as answer:
        assert await answer.json() == {"by": "account:anna"}
    async with rig.client.post(rig.url("/purge"), headers=headers) as answer:
        assert answer.status == 403
    headers = {"Authorization": "Bearer up-secret"}
    async with rig.client.put(rig.url("/upload"), headers=headers) as answer:
        assert answer.status == 200
