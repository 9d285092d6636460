"""A mail server on loopback that shows what comes instead of sending it on; for demonstrations.

Needs aiosmtpd, which `scripts/setup` installs and an installed package does not bring along.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from cdnkit.errors import UnavailableError

_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Showing:
    """What aiosmtpd hands mails to."""

    show: Callable[[str], None]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Show a mail, as aiosmtpd asks."""
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        for address in envelope.rcpt_tos:
            self.show(describe_mail(address, message))
        return "250 shown"


def describe_mail(address: str, message: EmailMessage) -> str:
    """A mail in a line, and a line for each link in it."""
    body = message.get_body(("plain",))
    links = _LINK.findall(body.get_content()) if body is not None else []
    return "\n    ".join((f"Mail to {address}: {message['Subject']}", *dict.fromkeys(links)))


@asynccontextmanager
async def showing_mails(host: str, port: int, show: Callable[[str], None]) -> AsyncIterator[None]:
    """Take mails inside the block. Raises UnavailableError when nobody can listen there."""
    try:
        from aiosmtpd.smtp import SMTP
    except ImportError as error:
        raise UnavailableError(
            "mails are shown by aiosmtpd, which scripts/setup installs"
        ) from error
    loop = asyncio.get_running_loop()

    def protocol() -> Any:
        return SMTP(Showing(show), hostname="localhost", enable_SMTPUTF8=True, loop=loop)

    try:
        server = await loop.create_server(protocol, host, port)
    except OSError as error:
        raise UnavailableError(f"no mail server can listen on {host}:{port}: {error}") from error
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
