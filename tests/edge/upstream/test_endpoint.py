"""Reaching an upstream: what its URL says, who it must prove to be, and how long it may take."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cdnkit.errors import UpstreamTimeoutError
from edge.upstream.endpoint import AuthorityError, Endpoint, Trust, open_connection
from edge.upstream.failures import FailedError, Failure
from edge.upstream.limits import PoolLimits
from tests.edge.upstream.sinks import Collector
from tests.helpers.scripted_origin import ScriptedOrigin, answer, exchanges

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs the openssl program to make certificates"
)
PATIENT = PoolLimits()
HASTY = PoolLimits(connect_timeout_seconds=0.05, tls_timeout_seconds=0.05)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", Endpoint("h", 80, False, b"h", b"/")),
        ("https://H:8443/base", Endpoint("h", 8443, True, b"h:8443", b"/base/")),
        ("http://[::1]:81/a/", Endpoint("::1", 81, False, b"[::1]:81", b"/a/")),
    ],
)
def test_an_endpoint_comes_from_its_url(url: str, expected: Endpoint) -> None:
    assert Endpoint.from_url(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "h", "ftp://h", "http://", "http://h:99999", "http://h:x", "http://h/\xe9"]
    + ["http://h/a b", "http://u:p@h", "http://h/?a", "http://h/#a"],
)
def test_what_is_no_endpoint_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Endpoint.from_url(url)


@dataclass(slots=True)
class Guarded:
    """A TLS server of one name, and the authority that vouches for it."""

    port: int
    authority: str
    names_asked: list[str | None]

    def endpoint(self, host: str = "127.0.0.1") -> Endpoint:
        return Endpoint.from_url(f"https://{host}:{self.port}")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for origin.example that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("ca")
    pem, key = str(folder / "origin.pem"), str(folder / "origin.key")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    more = ["-subj", "/CN=origin.example", "-addext", "subjectAltName=DNS:origin.example"]
    subprocess.run(
        ["openssl", *words.split(), *more, "-keyout", key, "-out", pem],
        check=True,
        capture_output=True,
    )
    return pem, key


@pytest.fixture
async def guarded(papers: tuple[str, str]) -> AsyncIterator[Guarded]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*papers)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield Guarded(server.sockets[0].getsockname()[1], papers[0], asked)
    server.close()


@needs_openssl
async def test_the_name_asked_for_is_the_name_proved(guarded: Guarded) -> None:
    trust = Trust.of(guarded.authority, "origin.example")
    connection = await open_connection(guarded.endpoint(), PATIENT, trust)
    await connection.request(b"GET", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    sink = Collector()
    assert await connection.pour(sink)
    assert sink.content == b"ok"
    assert guarded.names_asked == ["origin.example"]
    connection.abort()


@needs_openssl
@pytest.mark.parametrize(
    ("believed", "name", "why"),
    [
        (False, "origin.example", "self-signed|self signed|local issuer"),
        (True, "other.example", "other.example"),
        (True, "", "127.0.0.1"),
    ],
)
async def test_who_cannot_prove_its_name_gets_no_request(
    guarded: Guarded, believed: bool, name: str, why: str
) -> None:
    trust = Trust.of(guarded.authority if believed else "", name)
    with pytest.raises(FailedError, match=why) as raised:
        await open_connection(guarded.endpoint(), PATIENT, trust)
    assert raised.value.failure is Failure.UNTRUSTED
    assert raised.value.status == 502


async def test_a_plain_server_behind_an_https_url_is_an_error() -> None:
    async with ScriptedOrigin([exchanges(answer(b"ok"))]) as origin:
        endpoint = Endpoint.from_url(origin.url.replace("http:", "https:"))
        with pytest.raises(FailedError) as raised:
            await open_connection(endpoint, HASTY, Trust.of("", ""))
        assert raised.value.failure is Failure.UNTRUSTED


async def test_each_phase_has_its_own_limit() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(UpstreamTimeoutError, match="TLS") as raised:
        await open_connection(
            Endpoint.from_url(f"https://127.0.0.1:{port}"), HASTY, Trust.of("", "")
        )
    assert raised.value.status == 504
    server.close()
    # 192.0.2.0/24 is nobody's (RFC 5737): packets to it are lost or refused.
    with pytest.raises(FailedError, match="reached") as refused:
        await open_connection(Endpoint.from_url("http://192.0.2.1"), HASTY, Trust())
    assert refused.value.failure is Failure.UNREACHABLE


async def test_a_name_nobody_has_is_an_error() -> None:
    with pytest.raises(FailedError, match="reached"):
        await open_connection(Endpoint.from_url("http://nobody.invalid"), PATIENT, Trust())


def test_a_file_that_holds_no_authority_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(AuthorityError, match=r"bad\.pem"):
        Trust.of(str(tmp_path / "bad.pem"), "")
    with pytest.raises(AuthorityError, match=r"none\.pem: No such file"):
        Trust.of(str(tmp_path / "none.pem"), "")


def test_workers_of_the_box_and_edges_of_ours_are_not_outside() -> None:
    url = "http://upstream.example/films/"
    assert Endpoint.from_url(url).is_outside
    assert not replace(Endpoint.from_url(url), node="shield-1").is_outside
    assert not Endpoint.of_socket("/run/worker.sock").is_outside
