"""Keys of browsers are checked before they are kept."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from origin.domains.notifications.queries import InboxRow
from origin.domains.notifications.shapes import Message, PushKeys
from tests.helpers.push_service import PushService, encode


def test_keys_of_a_browser_are_taken() -> None:
    keys = PushService().subscription["keys"]
    assert PushKeys(**keys).auth == keys["auth"]


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        (encode(b"\x04" + bytes(64)), encode(bytes(16))),
        ("", encode(bytes(16))),
        ("!!", encode(bytes(16))),
        (PushService().subscription["keys"]["p256dh"], encode(bytes(15))),
        (PushService().subscription["keys"]["p256dh"], "ä"),
    ],
    # Keys are made anew, and two runs of the tests side by side compare their names.
    ids=["no point", "no key", "no base64", "short secret", "no ASCII"],
)
def test_other_keys_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(ValidationError, match="RFC 8291"):
        PushKeys(p256dh=p256dh, auth=auth)


def test_message_is_worded_for_its_reader() -> None:
    row = InboxRow(3, "anna", "title.added", {"title": "T"}, 1.0, None)
    message = Message.of(row, "de", "https://films.example")
    assert (message.title, message.read) == ("Neu: T", False)
