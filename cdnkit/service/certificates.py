"""Certificates: the one a process proves its name with, and the authorities it believes.

Certificates are renewed while processes run; connections that are open keep what they began with.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
import structlog
from aiohttp import web

from cdnkit.errors import CinedgeError
from cdnkit.service.lasting import end_tasks, start_lasting

LOOK_SECONDS: Final = 1.0
HSTS_FIELD: Final = "Strict-Transport-Security"
KERNEL_TLS: Final = int(getattr(ssl, "OP_ENABLE_KTLS", 0))
"""Named by Python 3.12 and later; without it OpenSSL is not asked."""
_VERSIONS: Final = {
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
Stamp = tuple[tuple[int, int, int], ...]

_log = structlog.get_logger("tls")


class CertificateError(CinedgeError):
    """The certificate or its key cannot be used."""

    code = "certificate"


class AuthorityError(CinedgeError):
    """The file of certificate authorities cannot be used."""

    code = "authority"


class TlsSettings(Protocol):
    """Two PEM files, TLSv1.2 or TLSv1.3, and for how many seconds browsers keep to https."""

    @property
    def certificate(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def oldest_version(self) -> str: ...
    @property
    def hsts_seconds(self) -> int: ...


class Certificates:
    """The context of connections that come in; new ones get what its files say now.

    Listeners keep `context`, which hands each new connection on to one of the newest files: loaded
    into the same context, a pair of another kind of key would stand beside the old one.

    Raises CertificateError when the files cannot be used at the start; later what is in use stays.
    """

    def __init__(self, settings: TlsSettings) -> None:
        self._files = (Path(settings.certificate), Path(settings.key))
        self._oldest = _VERSIONS[settings.oldest_version]
        self._stamp = self._stat()
        self.hsts = f"max-age={settings.hsts_seconds}" if settings.hsts_seconds else ""
        """What Strict-Transport-Security says (RFC 6797 6.1); empty: nothing."""
        self.context = self._newest = make_context(*self._files, self._oldest)
        self.context.sni_callback = self._hand_on

    def refresh(self) -> bool:
        """Load the files again if they are not those seen last; whether that was done."""
        stamp = self._stat()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        return self.reload()

    def reload(self) -> bool:
        """Load the files; what cannot be used is logged, and what is in use stays."""
        try:
            self._newest = make_context(*self._files, self._oldest)
        except CertificateError as error:
            _log.error("certificate not loaded", detail=error.detail)
            return False
        _log.info("certificate loaded", certificate=str(self._files[0]))
        return True

    async def tell_browsers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Signal for `on_response_prepare`: pages say that this host is reached by https only."""
        if self.hsts and response.content_type == "text/html":
            response.headers[HSTS_FIELD] = self.hsts

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Look at the files every second inside the block."""
        following = start_lasting("certificates", self._follow)
        try:
            yield
        finally:
            await end_tasks(following)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.refresh()

    def _hand_on(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        """Called in each handshake, whether the client names a host or not."""
        if self._newest is not self.context:
            connection.context = self._newest

    def _stat(self) -> Stamp:
        try:
            stats = [os.stat(path) for path in self._files]
        except OSError:
            return ()
        return tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)


def make_context(
    certificate: Path, key: Path, oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
) -> ssl.SSLContext:
    """TLS from `oldest` on, with tickets, without renegotiation. Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = oldest
    # A client that just closes is no attack here: requests say themselves where they end.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_IGNORE_UNEXPECTED_EOF | KERNEL_TLS
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:
        name = error.filename or f"{certificate} with {key}"
        raise CertificateError(f"cannot use {name}: {error.strerror or error}") from error
    return context


def believing(authorities: str) -> ssl.SSLContext:
    """For connections that go out: a PEM file of authorities, empty for the system's.

    Raises AuthorityError.
    """
    try:
        context = ssl.create_default_context(cafile=authorities or None)
    except OSError as error:
        raise AuthorityError(f"cannot use {authorities}: {error.strerror or error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def believing_all(authorities: Iterable[str]) -> ssl.SSLContext:
    """For connections that go out: all of these files; an empty name stands for the system's.

    Raises AuthorityError.
    """
    first, *others = sorted(set(authorities))
    context = believing(first)
    for each in others:
        try:
            context.load_verify_locations(each)
        except OSError as error:
            raise AuthorityError(f"cannot use {each}: {error.strerror or error}") from error
    return context


def trust_of(authorities: str) -> ssl.SSLContext | bool:
    """What a connector of a client session takes as `ssl`. Raises AuthorityError."""
    return believing(authorities) if authorities else True


def trusting_connector(authorities: str, **options: Any) -> aiohttp.TCPConnector:
    """A connector of a client session that believes them. Raises AuthorityError."""
    return aiohttp.TCPConnector(ssl=trust_of(authorities), **options)


def _no_password() -> str:
    # Without an answer OpenSSL would ask on the terminal.
    return ""
