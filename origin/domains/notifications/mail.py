"""A message as a mail (RFC 5322): plain text, the same as simple HTML, and the fields around it.

Decides what the mail says of itself; carrying is `smtp`'s. `Message-ID` comes from the event, so
that the same mail sent twice has one name, which is how mailboxes know a repeat.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final

from origin.domains.notifications.words import UNSUBSCRIBE, Words, nearest_language

_POLICY: Final = SMTP.clone(max_line_length=78)


class BadAddressError(ValueError):
    """An address that no mail can be sent to."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who our mails are from."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail is made of. `unsubscribe_url` is empty where there is no choice."""

    key: str
    to: str
    language: str
    words: Words
    at: float
    unsubscribe_url: str = ""


def parse_address(text: str) -> Address:
    """One address and nothing else: no second one, no field behind it. Raises BadAddressError."""
    try:
        address = Address(addr_spec=text)
    except Exception as error:  # of the parser, which has errors of many kinds
        raise BadAddressError("not an address of a mailbox") from error
    if not address.username or "." not in f".{address.domain}" or not text.isprintable():
        raise BadAddressError("not an address of a mailbox")
    return address


def compose(letter: Letter, sender: Sender) -> EmailMessage:
    """The mail. Raises BadAddressError."""
    message = EmailMessage(policy=_POLICY)
    own = parse_address(sender.address)
    message["From"] = Address(sender.name, own.username, own.domain)
    message["To"] = parse_address(letter.to)
    # EmailMessage refuses a line break in a field; words hold none.
    message["Subject"] = letter.words.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(letter.at, UTC))
    message["Message-ID"] = message_id(letter.key, own.domain)
    message["Content-Language"] = nearest_language(letter.language)
    # No out-of-office answers to a program (RFC 3834 5).
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        # One click, by the mailbox itself (RFC 8058).
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(_plain(letter), cte="quoted-printable")
    message.add_alternative(_html(letter), subtype="html", cte="quoted-printable")
    return message


def message_id(key: str, domain: str) -> str:
    """The name of the mail about an event: the same each time it is made."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{domain.encode('idna').decode()}>"


def _plain(letter: Letter) -> str:
    parts = [letter.words.text]
    if letter.words.link:
        parts.append(f"{letter.words.action}:\n{letter.words.link}")
    if letter.unsubscribe_url:
        parts.append(f"{_unsubscribe(letter)}:\n{letter.unsubscribe_url}")
    return "\n\n".join(parts) + "\n"


def _html(letter: Letter) -> str:
    words = letter.words
    lines = [f"<h1>{escape(words.subject)}</h1>", f"<p>{escape(words.text)}</p>"]
    if words.link:
        lines.append(f'<p><a href="{escape(words.link)}">{escape(words.action)}</a></p>')
    if letter.unsubscribe_url:
        target = escape(letter.unsubscribe_url)
        lines.append(f'<p><small><a href="{target}">{escape(_unsubscribe(letter))}</a></small></p>')
    language = nearest_language(letter.language)
    body = "\n".join(lines)
    head = f'<meta charset="utf-8"><title>{escape(words.subject)}</title>'
    return "\n".join(
        (
            f'<!doctype html>\n<html lang="{language}">',
            f"<head>{head}</head>",
            f"<body>\n{body}\n</body>",
            "</html>\n",
        )
    )


def _unsubscribe(letter: Letter) -> str:
    return UNSUBSCRIBE[nearest_language(letter.language)]
