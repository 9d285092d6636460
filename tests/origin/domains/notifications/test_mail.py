"""A mail says what it should, to one address, and nothing that somebody smuggled in."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.domains.notifications.mail import (
    BadAddressError,
    Letter,
    Sender,
    compose,
    message_id,
    parse_address,
)
from origin.domains.notifications.words import Words, word

SENDER = Sender("films@films.example", "Films")
AT = 1_800_000_000.0


def letter(to: str = "anna@example.org", **changes: object) -> Letter:
    words = Words("A subject", "Some <b>text</b>.", "Look", "https://films.example/#/x?a=1&b=2")
    return Letter("key-1", to, "de-AT", words, AT, **changes)  # type: ignore[arg-type]


def parsed(of: Letter) -> EmailMessage:
    message = message_from_bytes(compose(of, SENDER).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_mail_has_plain_text_and_html_that_say_the_same() -> None:
    message = parsed(letter())
    assert (message["From"], message["To"]) == ("Films <films@films.example>", "anna@example.org")
    assert message["Subject"] == "A subject"
    assert "https://films.example/#/x?a=1&b=2" in body(message, "plain")
    html = body(message, "html")
    assert "Some &lt;b&gt;text&lt;/b&gt;." in html
    assert 'href="https://films.example/#/x?a=1&amp;b=2"' in html
    assert '<html lang="de">' in html


def test_same_event_makes_the_same_message_id() -> None:
    first, second = parsed(letter()), parsed(letter())
    assert first["Message-ID"] == second["Message-ID"] == message_id("key-1", "films.example")
    assert message_id("key-2", "films.example") != first["Message-ID"]


def test_unsubscribing_is_offered_where_there_is_a_choice() -> None:
    message = parsed(letter(unsubscribe_url="https://films.example/u?token=t&kind=k"))
    assert message["List-Unsubscribe"] == "<https://films.example/u?token=t&kind=k>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "Keine Mails dieser Art mehr" in body(message, "html")
    assert parsed(letter())["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "anna@example.org, ben@example.org",
        "anna@example.org\r\nBcc: ben@example.org",
        "anna@example.org\n",
        "<anna@example.org>",
        "Anna <anna@example.org>",
        "@example.org",
        "anna@",
        "a\x00b@example.org",
    ],
)
def test_what_is_not_one_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddressError):
        compose(letter(text), SENDER)


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except BadAddressError:
        return
    assert address.username
    assert "\n" not in address.addr_spec


@given(st.text(), st.text())
def test_no_device_name_adds_a_field(device: str, more: str) -> None:
    payload = {"device": f"{device}\r\nBcc: ben@example.org\r\n\r\n{more}"}
    words = word("account.new_device", "en", payload, "https://films.example")
    message = parsed(Letter("key", "anna@example.org", "en", words, AT))
    assert message["Bcc"] is None
    assert message["To"] == "anna@example.org"
