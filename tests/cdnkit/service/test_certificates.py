"""Certificates of processes: which TLS is spoken, what is renewed, who is believed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cdnkit.service.app import build_app
from cdnkit.service.certificates import (
    AuthorityError,
    CertificateError,
    Certificates,
    believing,
    believing_all,
    trusting_connector,
)
from cdnkit.service.health import Health
from cdnkit.service.metrics import Telemetry
from cdnkit.service.run import serve
from config.topology import Tls
from tests.helpers.authority import Authority

LIMIT_SECONDS = 20


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def page(_: web.Request) -> web.Response:
    return web.Response(text="<p>", content_type="text/html")


async def bytes_of_a_film(_: web.Request) -> web.Response:
    return web.Response(body=b"film")


@asynccontextmanager
async def serving(certificates: Certificates) -> AsyncIterator[str]:
    routes = [web.get("/page", page), web.get("/film", bytes_of_a_film)]
    app = build_app(
        tier="origin",
        name="o",
        telemetry=Telemetry("origin", "o"),
        health=Health(),
        routes=routes,
    )
    async with serve(app, "127.0.0.1", 0, certificates=certificates, grace_seconds=0.1) as there:
        yield there.url


async def serial(url: str, authority: Authority) -> int:
    """The number of the certificate that a new connection is shown."""
    context = believing(str(authority.file))
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), ssl=context)
    shown = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return int(shown, 16)


async def test_pages_say_that_the_host_is_reached_by_https_only(authority: Authority) -> None:
    settings = replace(authority.certificate("a"), hsts_seconds=3600)
    async with (
        serving(Certificates(settings)) as url,
        aiohttp.ClientSession(connector=trusting_connector(str(authority.file))) as http,
    ):
        assert url.startswith("https://")
        async with http.get(f"{url}/page") as answer:
            assert answer.headers["Strict-Transport-Security"] == "max-age=3600"
        async with http.get(f"{url}/film") as answer:
            assert await answer.read() == b"film"
            assert "Strict-Transport-Security" not in answer.headers


async def test_nothing_is_said_of_it_unless_it_was_asked_for(authority: Authority) -> None:
    async with (
        serving(Certificates(authority.certificate("a"))) as url,
        aiohttp.ClientSession(connector=trusting_connector(str(authority.file))) as http,
        http.get(f"{url}/page") as answer,
    ):
        assert "Strict-Transport-Security" not in answer.headers


async def test_who_does_not_believe_the_authority_does_not_connect(authority: Authority) -> None:
    async with (
        serving(Certificates(authority.certificate("a"))) as url,
        aiohttp.ClientSession(connector=trusting_connector("")) as http,
    ):
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(f"{url}/page")


@pytest.mark.parametrize(("oldest", "taken"), [("TLSv1.2", True), ("TLSv1.3", False)])
async def test_older_versions_are_spoken_only_when_allowed(
    oldest: str, taken: bool, authority: Authority
) -> None:
    settings = replace(authority.certificate("a"), oldest_version=oldest)
    context = believing(str(authority.file))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        serving(Certificates(settings)) as url,
        aiohttp.ClientSession(connector=connector) as http,
    ):
        if taken:
            async with http.get(f"{url}/film") as answer:
                assert answer.status == 200
        else:
            with pytest.raises(aiohttp.ClientConnectorError):
                await http.get(f"{url}/film")


@pytest.mark.parametrize("is_rsa", [False, True], ids=["as before", "another kind of key"])
async def test_new_files_are_taken_while_it_serves(
    is_rsa: bool, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdnkit.service.certificates.LOOK_SECONDS", 0.01)
    settings = authority.certificate("a")
    async with serving(Certificates(settings)) as url:
        first = await serial(url, authority)
        authority.certificate("a", is_rsa=is_rsa)
        async with asyncio.timeout(LIMIT_SECONDS):
            while await serial(url, authority) == first:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)


def test_what_cannot_be_used_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"none\.pem"):
        Certificates(Tls(str(tmp_path / "none.pem"), str(tmp_path / "none.key")))
    with pytest.raises(AuthorityError, match=r"none\.pem"):
        trusting_connector(str(tmp_path / "none.pem"))


def test_a_pair_that_does_not_fit_leaves_the_one_in_use(authority: Authority) -> None:
    settings, other = authority.certificate("a"), authority.certificate("b")
    made = Certificates(settings)
    Path(settings.key).write_bytes(Path(other.key).read_bytes())
    assert not made.refresh()
    assert not made.refresh(), "it was looked at"
    Path(settings.certificate).write_bytes(Path(other.certificate).read_bytes())
    assert made.refresh()


async def test_several_files_of_authorities_are_believed_together(tmp_path: Path) -> None:
    old, new = Authority(tmp_path / "old", "old"), Authority(tmp_path / "new", "new")
    for authority in (old, new):
        connector = aiohttp.TCPConnector(ssl=believing_all((str(old.file), str(new.file), "")))
        async with (
            serving(Certificates(authority.certificate("a"))) as url,
            aiohttp.ClientSession(connector=connector) as http,
            http.get(f"{url}/film") as answer,
        ):
            assert answer.status == 200
    with pytest.raises(AuthorityError, match=r"none\.pem"):
        believing_all(("", str(tmp_path / "none.pem")))
