"""TLS on the loop's own sockets: the same answers, and every way a connection can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from config.topology import Tls
from edge.tls import SLICE_BYTES, CertificateError, Certificates, Channel, kernel_sends
from tests.edge.conftest import BLOCK, Edge, Plan, eventually
from tests.edge.tls_client import Client, beside, client_context, make_certificate, started
from tests.helpers.raw_client import LIMIT_SECONDS, head

pytestmark = [
    pytest.mark.both_forms,
    pytest.mark.skipif(
        shutil.which("openssl") is None, reason="needs the openssl program to make certificates"
    ),
]
FILM = random.Random(12).randbytes(9 * BLOCK + 777)
PATH = "/film.mp4"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_certificate(tmp_path_factory.mktemp("tls"), "one.example")


@pytest.fixture
async def secure(plan: Plan, pair: Tls) -> AsyncIterator[Edge]:
    async with started(plan, pair) as edge:
        edge.origin.put(PATH, FILM)
        edge.origin.put("/small", b"small")
        yield edge


def lane_answers(edge: Edge) -> int:
    return edge.worker.lane.wholes + edge.worker.lane.parts


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_wholes_and_ranges_are_exact_on_both_lanes(
    secure: Edge, version: ssl.TLSVersion
) -> None:
    dice = random.Random(5)
    cuts = [(0, 1), (0, BLOCK), (BLOCK - 1, BLOCK + 1), (len(FILM) - 3, len(FILM)), (0, len(FILM))]
    for _ in range(20):
        start, stop = sorted(dice.sample(range(len(FILM)), 2))
        cuts.append((start, stop))

    def talk() -> None:
        with Client(secure, client_context(version)) as client:
            assert client.sock.version() == version.name.replace("_", ".")
            assert client.sock.selected_alpn_protocol() == "http/1.1"
            for _ in range(3):
                assert client.ask(PATH)[2] == FILM
                assert client.ask("/small")[2] == b"small"
                for start, stop in cuts:
                    status, _, body = client.ask(PATH, f"Range: bytes={start}-{stop - 1}")
                    assert (status, body == FILM[start:stop]) == (206, True)

    def warm() -> None:
        with Client(secure) as client:
            client.ask(PATH)
            client.ask("/small")

    await beside(warm)
    entries = secure.worker.holdings.entries
    await eventually(lambda: not any(e.growing for e in entries.values()), "all is held")
    await beside(talk)
    assert lane_answers(secure) > 40


async def test_several_ranges_come_as_parts(secure: Edge) -> None:
    def talk() -> None:
        with Client(secure) as client:
            status, fields, body = client.ask(PATH, "Range: bytes=5-9,70000-140000")
            assert status == 206
            assert fields["content-type"].startswith("multipart/byteranges")
            assert FILM[5:10] in body
            assert FILM[70000:140001] in body

    await beside(talk)


async def test_pipelined_requests_are_answered_in_order(secure: Edge) -> None:
    def talk() -> None:
        with Client(secure) as client:
            client.ask("/small")
            client.ask(PATH)
            ranges = [(n * 1000, n * 1000 + 40000) for n in range(100)]
            heads = [head(PATH, f"Range: bytes={a}-{b - 1}") for a, b in ranges]
            client.sock.sendall(b"".join(heads[:50]))
            for each in heads[50:]:
                # Each in a record of its own.
                client.sock.sendall(each)
            for a, b in ranges:
                assert client.answer()[2] == FILM[a:b]

    await beside(talk)


async def test_a_head_may_come_in_records_of_one_byte(secure: Edge) -> None:
    def talk() -> None:
        with Client(secure) as client:
            for _ in range(3):
                for byte in head(PATH, "Range: bytes=1-2"):
                    client.sock.sendall(bytes([byte]))
                assert client.answer()[2] == FILM[1:3]

    await beside(talk)


async def test_a_slow_reader_gets_every_byte(secure: Edge) -> None:
    large = FILM * 12
    secure.origin.put("/large", large)

    def talk() -> None:
        with Client(secure, receive_buffer_bytes=4096) as client:
            for _ in range(3):
                client.sock.sendall(head("/large"))
                time.sleep(0.05)
                assert client.answer()[2] == large
                assert client.ask("/small")[2] == b"small"

    await beside(talk)


async def test_the_end_is_announced_after_the_last_byte(secure: Edge) -> None:
    large = FILM * 6
    secure.origin.put("/large", large)

    def talk() -> None:
        with Client(secure, receive_buffer_bytes=4096) as client:
            cast(Any, client.sock).suppress_ragged_eofs = False
            assert client.ask("/large", "Connection: close")[2] == large
            assert client.file.read() == b"", "a close without close_notify raises"

    await beside(talk)
    await eventually(lambda: not secure.worker.server.connections, "the connection is gone")


async def test_a_client_that_will_send_no_more_is_still_answered(secure: Edge) -> None:
    def talk() -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context().wrap_bio(incoming, outgoing)
        address = secure.worker.address
        with socket.create_connection((address.host, address.port), LIMIT_SECONDS) as sock:

            def drive(call: Callable[[], Any]) -> Any:
                while True:
                    try:
                        done = call()
                    except ssl.SSLZeroReturnError:
                        return b""
                    except ssl.SSLWantReadError:
                        done = None
                    if outgoing.pending:
                        sock.sendall(outgoing.read())
                    if done is not None:
                        return done
                    data = sock.recv(65536)
                    incoming.write(data) if data else incoming.write_eof()

            def shake() -> bool:
                tls.do_handshake()
                return True

            drive(shake)
            tls.write(head(PATH, "Range: bytes=0-199999"))
            sock.sendall(outgoing.read())
            sock.shutdown(socket.SHUT_WR)
            received = b""
            while data := drive(lambda: tls.read(65536)):
                received += data
            assert received.endswith(FILM[:200000])

    await beside(talk)


async def test_200_resets_leave_nothing_behind(secure: Edge) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    dice = random.Random(3)
    context = client_context()

    def talk() -> None:
        with Client(secure) as client:
            client.ask(PATH)
        for number in range(200):
            client = Client(secure, context, receive_buffer_bytes=4096)
            client.sock.sendall(head(PATH) * dice.randrange(1, 4))
            if number % 2:
                client.sock.recv(dice.randrange(1, 60000))
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.__exit__()

    await beside(talk)
    server = secure.worker.server
    await eventually(lambda: not server.connections, "all are gone")
    await eventually(lambda: not server._tasks, "no request is left")
    held = len(secure.worker.holdings.entries) * 12
    assert len(os.listdir("/proc/self/fd")) <= descriptors + held


async def test_plain_http_on_the_tls_port_is_closed(secure: Edge) -> None:
    def talk() -> bytes:
        address = secure.worker.address
        with socket.create_connection((address.host, address.port), LIMIT_SECONDS) as sock:
            sock.sendall(head(PATH))
            with contextlib.suppress(ConnectionResetError):
                return sock.recv(100)
            return b""

    assert b"HTTP" not in await beside(talk)
    await eventually(lambda: not secure.worker.server.connections, "it is gone")
    assert (await beside(lambda: Client(secure).ask("/small")))[2] == b"small"


async def test_a_handshake_has_the_time_limit_of_a_head(secure: Edge) -> None:
    client = await secure.client()
    await client.send(b"\x16\x03\x01")
    server = secure.worker.server
    await eventually(lambda: bool(server.connections), "it is connected")
    secure.pass_seconds(10)
    assert server.connections
    secure.pass_seconds(10)
    assert not server.connections
    client.close()


async def test_a_session_is_resumed(secure: Edge) -> None:
    def talk() -> None:
        context = client_context()
        with Client(secure, context) as first:
            first.ask("/small")
            session = first.sock.session
        with Client(secure, context, session) as second:
            assert second.sock.session_reused
            assert second.ask("/small")[2] == b"small"

    await beside(talk)


async def test_renegotiation_is_refused(secure: Edge) -> None:
    address = secure.worker.address
    words = ["openssl", "s_client", "-connect", f"{address.host}:{address.port}", "-tls1_2"]

    def talk() -> str:
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as client:
            assert client.stdin is not None
            assert client.stdout is not None
            text = b""
            while b"Verify return code" not in text:
                text += client.stdout.readline()
            client.stdin.write(b"R\n")
            client.stdin.flush()
            return client.communicate(timeout=LIMIT_SECONDS)[0].decode()

    assert "no renegotiation" in await beside(talk)


async def test_curl_gets_the_same_bytes(secure: Edge) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    address = secure.worker.address
    url = f"https://{address.host}:{address.port}{PATH}"
    words = ["curl", "-sk", "--noproxy", "*", url, url, "-r", "100-200000"]
    done = await beside(lambda: subprocess.run(words, capture_output=True, check=True))
    assert done.stdout == FILM[100:200001] * 2


async def test_a_new_certificate_serves_new_connections_only(
    plan: Plan, pair: Tls, tmp_path: Path
) -> None:
    used = Tls(str(tmp_path / "used.pem"), str(tmp_path / "used.key"))

    def install(tls: Tls) -> None:
        for source, target in ((tls.certificate, used.certificate), (tls.key, used.key)):
            shutil.copy(source, f"{target}.new")
            os.replace(f"{target}.new", target)

    def certificate(client: Client) -> bytes | None:
        return client.sock.getpeercert(binary_form=True)

    install(pair)
    other = make_certificate(tmp_path, "two.example")
    async with started(plan, used) as edge:
        edge.origin.put("/small", b"small")
        certificates = cast(Certificates, edge.worker.server._certificates)
        old = await beside(lambda: Client(edge))
        shutil.copy(other.certificate, used.certificate)
        assert not certificates.refresh(), "the key of another certificate is not taken"
        with await beside(lambda: Client(edge)) as still:
            assert certificate(still) == certificate(old)
        install(other)
        assert certificates.refresh()
        assert not certificates.refresh(), "nothing has changed since"
        with await beside(lambda: Client(edge)) as new:
            assert certificate(new) != certificate(old)
            assert (await beside(lambda: new.ask("/small")))[2] == b"small"
        assert (await beside(lambda: old.ask("/small")))[2] == b"small"
        old.__exit__()


async def test_a_hang_up_loads_the_certificate_and_opens_the_log_anew(
    plan: Plan, pair: Tls, tmp_path: Path
) -> None:
    used = Tls(str(tmp_path / "used.pem"), str(tmp_path / "used.key"))
    log = tmp_path / "access.log"
    shutil.copy(pair.certificate, used.certificate)
    shutil.copy(pair.key, used.key)
    other = make_certificate(tmp_path, "two.example")
    async with started(plan.but(access_log=str(log)), used) as edge:
        edge.origin.put("/small", b"small")
        with await beside(lambda: Client(edge)) as old:
            before = old.sock.getpeercert(binary_form=True)
        stamps = [os.stat(each) for each in (used.certificate, used.key)]
        shutil.copy(other.certificate, used.certificate)
        shutil.copy(other.key, used.key)
        log.rename(tmp_path / "access.log.1")
        for each, stamp in zip((used.certificate, used.key), stamps, strict=True):
            os.utime(each, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        edge.worker.hang_up()
        with await beside(lambda: Client(edge)) as new:
            assert new.sock.getpeercert(binary_form=True) != before
            assert (await beside(lambda: new.ask("/small")))[2] == b"small"
    assert b'"path":"/small"' in log.read_bytes()


async def test_a_farewell_without_the_end_of_the_stream_ends_the_connection(secure: Edge) -> None:
    """close_notify alone: the client waits for ours, its socket stays open (RFC 8446 6.1)."""

    def talk() -> bytes:
        with Client(secure) as client:
            client.ask("/small")
            # Sends close_notify and reads until the edge's.
            raw = client.sock.unwrap()
            raw.settimeout(LIMIT_SECONDS)
            rest = raw.recv(100)
            raw.close()
            return rest

    assert await beside(talk) == b""
    await eventually(lambda: not secure.worker.server.connections, "the connection is gone")


async def test_draining_sends_what_is_owed_and_says_farewell(plan: Plan, pair: Tls) -> None:
    large = FILM * 12
    plan.origin.put("/large", large)

    def begin(edge: Edge) -> Client:
        client = Client(edge, receive_buffer_bytes=4096)
        cast(Any, client.sock).suppress_ragged_eofs = False
        for _ in range(3):
            assert client.ask("/large")[2] == large
        client.sock.sendall(head("/large"))
        assert client.file.peek(1)
        return client

    def rest(client: Client) -> bytes:
        body = client.answer()[2]
        assert client.file.read() == b"", "a close without close_notify raises"
        client.__exit__()
        return body

    async with started(plan, pair) as edge:
        client = await beside(partial(begin, edge))
        server = edge.worker.server
        (connection,) = server.connections.values()
        await eventually(
            lambda: connection.exchange is not None or connection.owed is not None, "it is owed"
        )
        reading = asyncio.ensure_future(beside(partial(rest, client)))
    assert await reading == large


async def test_files_that_cannot_be_used_end_the_start(plan: Plan, tmp_path: Path) -> None:
    missing = Tls(str(tmp_path / "none.pem"), str(tmp_path / "none.key"))
    with pytest.raises(CertificateError, match=re.escape(missing.certificate)):
        async with started(plan, missing):
            pass


class Stubborn:
    """A socket of OpenSSL that is full now and then, and insists on the bytes it was given."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.begun: bytes | None = None
        self.sent = b""

    def read(self, size: int) -> bytes:
        """Nobody says anything."""
        raise ssl.SSLWantReadError

    def write(self, data: bytes) -> int:
        data = bytes(data)
        assert self.begun is None or self.begun == data, "OpenSSL would say: bad write retry"
        if self.dice.random() < 0.5:
            self.begun = data
            raise ssl.SSLWantWriteError
        self.begun = None
        self.sent += data
        return len(data)

    def setsockopt(self, *option: int) -> None:
        """Corks are nothing to it."""


def send_from(channel: Channel, data: bytes, flags: int, at: int) -> int:
    return channel.send(data[at:], flags)


def send_file_from(channel: Channel, file: int, stop: int, at: int) -> int:
    return channel.send_file(file, at, stop - at)


def persist(send: Callable[[int], int], at: int, stop: int) -> None:
    """Call `send` with the place reached until all was taken."""
    while at < stop:
        with contextlib.suppress(BlockingIOError):
            at += send(at)


@pytest.mark.parametrize("seed", range(20))
def test_what_was_begun_is_given_again_unchanged(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    sock = Stubborn(dice)
    channel = Channel(cast(ssl.SSLSocket, sock), memoryview(bytearray(8192 + SLICE_BYTES)))
    (tmp_path / "file").write_bytes(FILM)
    file = os.open(tmp_path / "file", os.O_RDONLY)
    wanted = b""
    for _ in range(10):
        start, stop = sorted(dice.sample(range(len(FILM)), 2))
        text = dice.randbytes(dice.randrange(1, 400))
        wanted += text + FILM[start:stop] + text
        persist(partial(send_from, channel, text, socket.MSG_MORE), 0, len(text))
        persist(partial(send_file_from, channel, file, stop), start, stop)
        persist(partial(send_from, channel, text, 0), 0, len(text))
    while channel.owes:
        with contextlib.suppress(BlockingIOError):
            channel.flush()
    os.close(file)
    assert sock.sent == wanted


def test_kernel_tls_is_used_only_where_the_kernel_has_it() -> None:
    class Kernel:
        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            return b"tls\0"

    assert kernel_sends(cast(socket.socket, Kernel()))
    with socket.socket() as sock:
        assert not kernel_sends(sock), "not available: this socket has no TLS in the kernel"


async def test_viewers_are_told_to_come_by_https_on_every_way(plan: Plan, pair: Tls) -> None:
    said = "max-age=31536000"
    async with started(plan, replace(pair, hsts_seconds=31_536_000)) as edge:
        edge.origin.put("/small", b"small")
        with await beside(lambda: Client(edge)) as client:
            for number in range(4):
                _, fields, _ = await beside(lambda: client.ask("/small"))
                assert fields["strict-transport-security"] == said, number
                await eventually(lambda: edge.worker.holdings.held_blocks == 1, "it is held")
            assert lane_answers(edge) > 0
            _, fields, _ = await beside(lambda: client.ask("/small", "Range: bytes=9-"))
            assert fields["strict-transport-security"] == said
            _, fields, _ = await beside(lambda: client.ask("/none"))
            assert fields["strict-transport-security"] == said
            status, fields, _ = await beside(lambda: client.ask("/small", "Bad Name: x"))
            assert (status, fields["strict-transport-security"]) == (400, said)


async def test_versions_that_are_too_old_are_not_spoken(plan: Plan, pair: Tls) -> None:
    async with started(plan, replace(pair, oldest_version="TLSv1.3")) as edge:
        edge.origin.put("/small", b"small")
        with pytest.raises(ssl.SSLError):
            await beside(lambda: Client(edge, client_context(ssl.TLSVersion.TLSv1_2)))
        newest = client_context(ssl.TLSVersion.TLSv1_3)
        with await beside(lambda: Client(edge, newest)) as client:
            assert (await beside(lambda: client.ask("/small")))[2] == b"small"
