"""What comes in and goes out of the notifications' routes."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import AfterValidator, Field

from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape
from origin.domains.notifications.kinds import Channel
from origin.domains.notifications.queries import InboxRow
from origin.domains.notifications.rules import Preference
from origin.domains.notifications.words import word

NUMBER_MAX: Final = 2**53 - 1
_AUTH_BYTES: Final = 16

Number = Annotated[int, Field(ge=0, le=NUMBER_MAX), DIGITS]


def _is_point(text: str) -> str:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(text))
    except (ValueError, binascii.Error):
        raise ValueError("not a P-256 point in base64url (RFC 8291 2.1)") from None
    return text


def _is_auth(text: str) -> str:
    try:
        length = len(_decoded(text))
    except (ValueError, binascii.Error):
        length = 0
    if length != _AUTH_BYTES:
        raise ValueError(f"not {_AUTH_BYTES} bytes in base64url (RFC 8291 2.1)")
    return text


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=")
    return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)


class InboxQuery(Shape):
    """Which part of an inbox is asked for."""

    after: Annotated[int, Field(ge=1, le=NUMBER_MAX), DIGITS] = Field(
        NUMBER_MAX, description="Begin behind this one: the `next` of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=100), DIGITS] = 50


class StreamQuery(Shape):
    """From where a stream begins when the browser does not say (Last-Event-ID)."""

    after: Number | None = Field(None, description="The last number that is known already.")


class NumberPath(Shape):
    """Names one message."""

    number: Number


class Message(Shape):
    """One message of an inbox, worded for who reads it."""

    number: int
    kind: str
    title: str
    text: str
    action: str
    link: str
    at: float
    read: bool

    @classmethod
    def of(cls, row: InboxRow, language: str, site_url: str) -> Self:
        """A row in words."""
        words = word(row.kind, language, row.payload, site_url)
        return cls(
            number=row.number,
            kind=row.kind,
            title=words.subject,
            text=words.text,
            action=words.action,
            link=words.link,
            at=row.at,
            read=row.read_at is not None,
        )


class InboxPage(Shape):
    """A part of an inbox, newest first."""

    items: list[Message]
    next: int | None = Field(description="The `after` of the next page; null at the end.")
    unread: int = Field(description="How many messages of the whole inbox are new.")


class Wish(Shape):
    """Whether one kind shall come by one channel."""

    kind: Annotated[str, Field(min_length=1, max_length=60)]
    channel: Channel
    wanted: bool


class Wishes(Shape):
    """What shall change; the rest stays."""

    items: Annotated[list[Wish], Field(max_length=100)]


class PreferenceView(Wish):
    """The same as it stands. `fixed` ones cannot be turned off."""

    fixed: bool

    @classmethod
    def of(cls, preference: Preference) -> Self:
        """One of an account's preferences."""
        return cls(
            kind=preference.kind,
            channel=preference.channel,
            wanted=preference.wanted,
            fixed=preference.fixed,
        )


class PreferencesView(Shape):
    """All preferences of an account."""

    items: list[PreferenceView]


class UnsubscribeQuery(Shape):
    """What a mail's link says."""

    token: Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
    kind: Annotated[str, Field(min_length=1, max_length=60)]


class PushKey(Shape):
    """What a browser subscribes with."""

    key: str


class PushKeys(Shape):
    """The browser's keys (RFC 8291 2.1)."""

    p256dh: Annotated[str, Field(max_length=100), AfterValidator(_is_point)]
    auth: Annotated[str, Field(max_length=30), AfterValidator(_is_auth)]


class NewDevice(Shape):
    """A browser's subscription, as its `toJSON()` writes it (W3C Push API)."""

    endpoint: Annotated[str, Field(min_length=1, max_length=1000)]
    keys: PushKeys
    expirationTime: float | None = None  # noqa: N815


class DevicePath(Shape):
    """Names one device."""

    id: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]


class DeviceView(Shape):
    """A device that takes pushes."""

    id: str
