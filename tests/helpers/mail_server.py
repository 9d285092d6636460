"""A real mail server (aiosmtpd) on a free port that answers as a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

DIE = "die"
"""Take the whole mail and hang up without a word."""


@dataclass(slots=True)
class MailServer:
    """What arrived, and what is answered to the mails to come before all are taken."""

    answers: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Answers to recipients."""
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, or not."""
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == DIE or answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=default)
            assert isinstance(message, EmailMessage)
            self.mails += [(to, message) for to in envelope.rcpt_tos]
            self.arrived.set()
        if answer == DIE:
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return "421 gone"
        return answer


@asynccontextmanager
async def mail_server(*answers: str) -> AsyncIterator[MailServer]:
    """A mail server inside the block."""
    handler = MailServer(answers=list(answers))
    loop = asyncio.get_running_loop()

    def protocol() -> Any:
        return SMTP(handler, hostname="localhost", enable_SMTPUTF8=True, loop=loop)

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
        await server.wait_closed()
