"""Links on their way to an address: the row that makes a link good, and the event that sends it.

Which words a mail has, and when it leaves, is the notifications' business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog import outbox
from origin.catalog.outbox import Event
from origin.domains.accounts import queries
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.records import MailedToken, Purpose

_TOKEN_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail with a link: of which kind, to whom, and what following the link will do.

    Without a `page` of the site the mail has the site's address, and its token is never sent. The
    reader is an account, or will be one; a mail `to_address` goes to whoever has the address.
    """

    kind: str
    purpose: Purpose
    page: str
    account: str
    email: str
    address: str
    language: str
    good_seconds: float
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)
    to_address: bool = False


async def send_letter(ground: Ground, connection: AsyncConnection, letter: Letter) -> str:
    """Write the link and post the event that sends it; the link."""
    link, hash = await write_link(ground, connection, letter)
    reader = hash if letter.to_address else letter.account
    event = Event(f"{letter.kind}/{hash}", letter.kind, reader, {"link": link})
    await outbox.post(connection, event, ground.now())
    return link


async def write_link(
    ground: Ground, connection: AsyncConnection, letter: Letter
) -> tuple[str, str]:
    """Write the hash of a new token; the link with the token, and the hash."""
    now, token = ground.now(), ground.make_secret(_TOKEN_BYTES)
    kept = MailedToken(
        hash=hash_token(token),
        purpose=letter.purpose,
        account=letter.account,
        address=letter.address,
        detail={**letter.detail, "email": letter.email, "language": letter.language},
        created_at=now,
        expires_at=now + letter.good_seconds,
    )
    await queries.add_mailed(connection, kept)
    path = f"/#/{letter.page}?token={token}" if letter.page else "/"
    return ground.site_url + path, kept.hash


async def tell_account(
    ground: Ground, connection: AsyncConnection, account: str, kind: str, **payload: str
) -> None:
    """Post an event about an account."""
    event = Event(f"{kind}/{ground.make_id()}", kind, account, payload)
    await outbox.post(connection, event, ground.now())


def hash_token(token: str) -> str:
    """What a row keeps of a token. 192 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
