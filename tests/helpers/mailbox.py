"""A mail server in a thread, for tests that drive real processes and a browser."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from tests.helpers.processes import wait_until
from tests.helpers.upload_origin import free_port


class Mailbox:
    """What came for everybody."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.port = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail, as aiosmtpd asks."""
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails += [(to, message) for to in envelope.rcpt_tos]
        return "250 kept"

    def link(self, address: str, word: str) -> str:
        """The newest link with a word in it that came for an address; waits for it."""
        found: list[str] = []

        def look() -> bool:
            for to, message in self.mails:
                body = message.get_body(("plain",))
                if to == address and body is not None:
                    links = re.findall(r"https?://\S+", body.get_content())
                    found.extend(link for link in links if word in link)
            return bool(found)

        wait_until(look, f"a mail with {word!r} comes for {address}", 30)
        return found[-1]


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A server on a free port of loopback."""
    box = Mailbox()
    box.port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()
