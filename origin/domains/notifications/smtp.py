"""Hands one mail to the mail server (RFC 5321) and says how that ended.

Decides which refusals are final: a 5xx about the recipient or the mail is, anything about the
connection, the login or a 4xx is not. A server that dies after it has the whole mail leaves it
open whether it was taken; it is sent again, with the same Message-ID.
"""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib

from config.service import Mail
from origin.domains.notifications.rules import SENT, Outcome


class MailServer:
    """The mail server of the topology."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage, recipient: str) -> Outcome:
        """Hand over one mail to one recipient."""
        mail = self._settings
        login = mail.login
        try:
            await aiosmtplib.send(
                message,
                sender=mail.sender,
                recipients=[recipient],
                hostname=mail.host,
                port=mail.port,
                use_tls=mail.security == "tls",
                start_tls=mail.security == "starttls",
                username=login.user if login else None,
                password=login.secret if login else None,
                timeout=mail.timeout_seconds,
            )
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
            return Outcome(_described(error), is_final=is_final(error))
        return SENT


def is_final(error: Exception) -> bool:
    """Whether trying again cannot help (RFC 5321 4.2.1)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(500 <= each.code < 600 for each in error.recipients)
    if isinstance(error, aiosmtplib.SMTPNotSupported | UnicodeError):
        return True
    if isinstance(error, aiosmtplib.SMTPAuthenticationError | aiosmtplib.SMTPConnectError):
        return False
    return isinstance(error, aiosmtplib.SMTPResponseException) and 500 <= error.code < 600


def _described(error: Exception) -> str:
    """What an operator reads; never the mail or its address."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return f"refused: {', '.join(str(each.code) for each in error.recipients)}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the mail server said {error.code}"
    return f"the mail server does not answer: {type(error).__name__}"
