"""Which kinds of events people hear of, by which channels, and what of it they may turn off.

Decides nothing about one account: that is `rules`. A kind that is not listed here is told nobody.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Channel(enum.StrEnum):
    """A way to reach a person."""

    INBOX = "inbox"
    MAIL = "mail"
    PUSH = "push"


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of event is told unless the account says otherwise.

    `fixed` channels cannot be turned off: the account's safety hangs on them.
    """

    channels: frozenset[Channel]
    fixed: frozenset[Channel] = frozenset()
    lapses_seconds: float = 7 * 86400.0
    """After this time a message would say what is no longer so; it is not sent any more."""


_MAIL: Final = frozenset({Channel.MAIL})
_KEPT: Final = frozenset({Channel.INBOX, Channel.MAIL})
_ALL: Final = frozenset(Channel)
_HOUR: Final = 3600.0

KINDS: Final[dict[str, Kind]] = {
    # Their links are secrets: they go to the address and nowhere else.
    "account.verify": Kind(_MAIL, fixed=_MAIL, lapses_seconds=24 * _HOUR),
    "account.reset": Kind(_MAIL, fixed=_MAIL, lapses_seconds=_HOUR),
    "account.exists": Kind(_MAIL, fixed=_MAIL, lapses_seconds=24 * _HOUR),
    "account.unknown": Kind(_MAIL, fixed=_MAIL, lapses_seconds=_HOUR),
    "account.address_changed": Kind(_MAIL, fixed=_MAIL, lapses_seconds=24 * _HOUR),
    "account.welcome": Kind(_KEPT),
    "account.password_changed": Kind(_ALL, fixed=_KEPT),
    "account.new_device": Kind(_ALL, fixed=_KEPT),
    "account.session_stolen": Kind(_ALL, fixed=_KEPT),
    "payment.failed": Kind(_ALL, fixed=_KEPT),
    "payment.recovered": Kind(_KEPT),
    "payment.refunded": Kind(_KEPT),
    "subscription.started": Kind(_KEPT),
    "subscription.changed": Kind(_KEPT),
    "subscription.ending": Kind(_KEPT),
    "subscription.resumed": Kind(_KEPT),
    "subscription.canceled": Kind(_KEPT),
    "title.added": Kind(frozenset({Channel.INBOX, Channel.PUSH})),
}
