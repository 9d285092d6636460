"""Running one process of a tier: the loop, the signals, the port, and a graceful end.

`serve` is the only way an application gets a port, in production and in tests alike, so that
both run under the same rules.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, Self

import structlog
import uvloop
from aiohttp import web

from cdnkit.errors import CinedgeError
from cdnkit.service.app import ACCESS_LOG, HEALTH
from cdnkit.service.certificates import Certificates
from cdnkit.service.connections import DEFAULT_LIMITS, GuardedRunner, Limits

GRACE_SECONDS: Final = 10.0
_BACKLOG: Final = 4096
_NOT_FOR_OTHERS: Final = 0o027
_WILDCARDS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

_MENDABLE: Final = frozenset(
    {
        errno.EADDRINUSE,
        errno.EADDRNOTAVAIL,
        errno.EACCES,
        errno.ENOENT,
        errno.ENOSPC,
        errno.ENOTDIR,
        errno.EROFS,
    }
)
"""What an operator can mend: a line, not a traceback."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listening:
    """Where an application answers."""

    host: str
    port: int
    secure: bool = False

    @property
    def url(self) -> str:
        """Base URL by which this machine reaches it."""
        host = _WILDCARDS.get(self.host, self.host)
        scheme = "https" if self.secure else "http"
        return (
            f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"
        )


class Stop:
    """SIGINT or SIGTERM as something to wait for; SIGHUP calls `on_hangup`."""

    def __init__(self, on_hangup: Callable[[], None] | None = None) -> None:
        self._event = asyncio.Event()
        self._on_hangup = on_hangup

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._stop, signal.SIGINT)
        loop.add_signal_handler(signal.SIGTERM, self._stop, signal.SIGTERM)
        if self._on_hangup is not None:
            loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        return self

    def __exit__(self, *exc_info: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def request(self) -> None:
        """Stop as if a signal had come."""
        self._event.set()

    async def wait(self) -> None:
        """Return once a signal has come."""
        await self._event.wait()

    def _stop(self, number: signal.Signals) -> None:
        _log.info("stopping", signal=number.name)
        self._event.set()
        # The next one of its kind ends the process the hard way.
        asyncio.get_running_loop().remove_signal_handler(number)


async def wait_for_stop(on_hangup: Callable[[], None] | None = None) -> None:
    """Return when SIGINT or SIGTERM comes; SIGHUP calls `on_hangup` (reopen log files)."""
    with Stop(on_hangup) as stop:
        await stop.wait()


def run(main: Callable[[], Awaitable[None]]) -> int:
    """Run `main` to its end on uvloop; the exit status of the process.

    What the process writes from now on is for its user and group alone.
    """
    os.umask(os.umask(_NOT_FOR_OTHERS) | _NOT_FOR_OTHERS)

    async def body() -> None:
        await main()

    try:
        uvloop.run(body())
    except KeyboardInterrupt:
        return 130
    except CinedgeError as error:
        _log.error("cannot go on", code=error.code, detail=error.detail)
        return 1
    except OSError as error:
        if error.errno not in _MENDABLE and not isinstance(error, socket.gaierror):
            raise
        _log.error("cannot go on", detail=str(error))
        return 1
    return 0


def make_runner(
    app: web.Application, limits: Limits = DEFAULT_LIMITS, *, grace_seconds: float = GRACE_SECONDS
) -> web.AppRunner:
    """The runner of an application made by `build_app`; not yet set up."""
    return GuardedRunner(
        app,
        limits,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=limits.keepalive_timeout_seconds,
        lingering_time=limits.lingering_seconds,
        max_line_size=limits.line_bytes_max,
        max_field_size=limits.field_bytes_max,
        max_headers=limits.fields_max,
        # aiohttp waits this long twice: for the handlers, then for their cancellation. Zero would
        # mean for ever.
        shutdown_timeout=max(grace_seconds / 2, 0.05),
    )


@asynccontextmanager
async def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    reuse_port: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    notice_seconds: float = 0.0,
    grace_seconds: float = GRACE_SECONDS,
    certificates: Certificates | None = None,
) -> AsyncIterator[Listening]:
    """Serve `app` inside the block; at its end drain and close. Port 0 takes a free one.

    With `certificates` in TLS.

    At the end /readyz says draining for `notice_seconds` while requests are still taken, then no
    connection is accepted and requests in flight have `grace_seconds` to finish. Raises OSError
    when the address cannot be bound.
    """
    if certificates is not None:
        app.on_response_prepare.append(certificates.tell_browsers)
    runner = make_runner(app, limits, grace_seconds=grace_seconds)
    await runner.setup()
    try:
        site = web.TCPSite(
            runner,
            host or None,
            port,
            backlog=_BACKLOG,
            reuse_port=reuse_port or None,
            ssl_context=certificates.context if certificates else None,
        )
        await site.start()
        _log.info("listening", host=host, port=site.port)
        async with certificates.followed() if certificates else nullcontext():
            yield Listening(host, site.port, certificates is not None)
            app[HEALTH].drain()
            await asyncio.sleep(notice_seconds)
    finally:
        app[HEALTH].drain()
        await runner.cleanup()


def reopen_logs(*apps: web.Application) -> Callable[[], None]:
    """What SIGHUP does for these applications: their access logs are opened anew."""

    def reopen() -> None:
        for app in apps:
            app[ACCESS_LOG].reopen()

    return reopen
