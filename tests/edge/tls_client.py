"""An edge that takes https, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from config.topology import Tls
from edge.app import worker
from tests.edge.conftest import Edge, Plan
from tests.helpers.raw_client import LIMIT_SECONDS, head

T = TypeVar("T")


def make_certificate(folder: Path, name: str) -> Tls:
    """A certificate that signs itself, and its key."""
    made = Tls(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    more = ["-subj", f"/CN={name}", "-keyout", made.key, "-out", made.certificate]
    subprocess.run(["openssl", *words.split(), *more], check=True, capture_output=True)
    return made


@contextlib.asynccontextmanager
async def started(plan: Plan, tls: Tls) -> AsyncIterator[Edge]:
    node = replace(plan.node(), tls=tls)
    async with worker(node, plan.topology()) as running:
        yield Edge(running, plan.origin)


def client_context(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


class Client:
    """A blocking client; its calls are made in a thread beside the edge's loop."""

    def __init__(
        self,
        edge: Edge,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        receive_buffer_bytes: int = 0,
    ) -> None:
        raw = socket.socket()
        raw.settimeout(LIMIT_SECONDS)
        if receive_buffer_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.connect((edge.worker.address.host, edge.worker.address.port))
        self.sock = (context or client_context()).wrap_socket(raw, session=session)
        self.file = self.sock.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.file.close()
        self.sock.close()

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        fields: dict[str, str] = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        return status, fields, self.file.read(int(fields["content-length"]))

    def ask(self, target: str, *lines: str) -> tuple[int, dict[str, str], bytes]:
        self.sock.sendall(head(target, *lines))
        return self.answer()


async def beside(call: Callable[[], T]) -> T:
    return await asyncio.to_thread(call)
