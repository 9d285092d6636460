"""Where an upstream is and how to reach it: name, TCP, TLS, each with its own time limit."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohappyeyeballs

from cdnkit.service.certificates import AuthorityError as AuthorityError
from cdnkit.service.certificates import believing
from edge.upstream.connection import UpstreamConnection
from edge.upstream.failures import FailedError, Failure, LateError
from edge.upstream.limits import PoolLimits

_BASE_PATH: Final = re.compile(r"[!-~]*")
_OTHER_FAMILY_DELAY_SECONDS: Final = 0.25
"""When the next address is tried beside one that is silent (RFC 8305 5)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an upstream is, and the path that replaces a route's prefix.

    `node` names it when it is an edge of our topology.
    """

    host: str
    port: int
    tls: bool
    authority: bytes
    base_path: bytes
    unix_path: str = ""
    node: str = ""

    @property
    def is_outside(self) -> bool:
        """Whether it is neither a worker of this box nor an edge of our topology."""
        return not (self.unix_path or self.node)

    @classmethod
    def of_socket(cls, path: str) -> Endpoint:
        """A neighbour on this machine."""
        return cls("", 0, tls=False, authority=b"box", base_path=b"/", unix_path=path)

    @classmethod
    def from_url(cls, url: str) -> Endpoint:
        """Split an http or https URL. Raises ValueError for any other."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http URL: {url!r}")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(f"credentials, query and fragment mean nothing here: {url!r}")
        if _BASE_PATH.fullmatch(parts.path) is None:
            raise ValueError(f"the path must be percent-encoded: {url!r}")
        tls = parts.scheme == "https"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        authority = host if parts.port is None else f"{host}:{parts.port}"
        path = parts.path if parts.path.endswith("/") else parts.path + "/"
        return cls(
            host=parts.hostname,
            port=parts.port or (443 if tls else 80),
            tls=tls,
            authority=authority.encode("ascii"),
            base_path=path.encode("ascii"),
        )


@dataclass(frozen=True, slots=True)
class Trust:
    """How upstreams prove who they are: the authorities believed, and the name to be proved.

    `name` is also what is asked for (SNI, RFC 6066 3); empty means the endpoint's host.
    """

    context: ssl.SSLContext | None = None
    name: str = ""

    @classmethod
    def of(cls, ca: str, name: str) -> Trust:
        """`ca` is a PEM file, empty for the system's. Raises AuthorityError."""
        return cls(believing(ca), name)


async def open_connection(
    endpoint: Endpoint, limits: PoolLimits, trust: Trust
) -> UpstreamConnection:
    """A connection on which nothing was sent yet. Raises FailedError."""
    sock = await _reach(endpoint, limits.connect_timeout_seconds)
    try:
        return await _greet(sock, endpoint, limits, trust)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message
        raise FailedError(Failure.UNTRUSTED, f"the upstream's certificate: {why}") from None
    except (TimeoutError, ConnectionAbortedError):
        raise LateError(Failure.UNTRUSTED, "the upstream's TLS did not come in time") from None
    except (OSError, UnicodeError):
        raise FailedError(Failure.UNTRUSTED, "the upstream does not speak TLS with us") from None


async def _reach(endpoint: Endpoint, timeout_seconds: float) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_seconds):
            if endpoint.unix_path:
                return await _reach_neighbour(endpoint.unix_path)
            addresses = await loop.getaddrinfo(
                endpoint.host, endpoint.port, type=socket.SOCK_STREAM
            )
            return await aiohappyeyeballs.start_connection(
                addresses, happy_eyeballs_delay=_OTHER_FAMILY_DELAY_SECONDS, interleave=1
            )
    except TimeoutError:
        reason = "the upstream could not be reached in time"
        raise LateError(Failure.UNREACHABLE, reason) from None
    except (OSError, UnicodeError):
        raise FailedError(Failure.UNREACHABLE, "the upstream could not be reached") from None


async def _reach_neighbour(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, path)
    except BaseException:
        sock.close()
        raise
    return sock


async def _greet(
    sock: socket.socket, endpoint: Endpoint, limits: PoolLimits, trust: Trust
) -> UpstreamConnection:
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: UpstreamConnection(limits),
            sock=sock,
            ssl=trust.context if endpoint.tls else None,
            server_hostname=(trust.name or endpoint.host) if endpoint.tls else None,
            ssl_handshake_timeout=limits.tls_timeout_seconds if endpoint.tls else None,
        )
    except BaseException:
        sock.close()
        raise
    return connection
