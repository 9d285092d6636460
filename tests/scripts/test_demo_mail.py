"""Mails are shown with their links and go nowhere."""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib
import pytest

from cdnkit.errors import UnavailableError
from scripts.demo_mail import describe_mail, showing_mails
from scripts.demo_topology import free_ports

HOST = "127.0.0.1"


def a_mail(text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "films@cinedge.example", "anna@films.example"
    mail["Subject"] = "Wähle"
    mail.set_content(text)
    mail.add_alternative("<a href='https://elsewhere.example'>x</a>", subtype="html")
    return mail


def test_mail_is_shown_with_each_link_of_its_text_once() -> None:
    text = "Open http://127.0.0.1:1/#/verify?token=a and\nhttp://127.0.0.1:1/#/verify?token=a\n"
    assert describe_mail("anna@films.example", a_mail(text)) == (
        "Mail to anna@films.example: Wähle\n    http://127.0.0.1:1/#/verify?token=a"
    )
    pictures = EmailMessage()
    pictures["Subject"] = "Look"
    pictures.set_content("<a href='https://elsewhere.example'>x</a>", subtype="html")
    assert describe_mail("b@c.example", pictures) == "Mail to b@c.example: Look"


async def test_mail_that_is_sent_is_shown_before_its_sender_hears_that_it_was_taken() -> None:
    (port,), shown = free_ports(1), list[str]()
    async with showing_mails(HOST, port, shown.append):
        mail = a_mail("http://a.example/")
        await aiosmtplib.send(mail, hostname=HOST, port=port, start_tls=False)
        assert shown == ["Mail to anna@films.example: Wähle\n    http://a.example/"]
        with pytest.raises(UnavailableError, match=f"{HOST}:{port}"):
            async with showing_mails(HOST, port, shown.append):
                pytest.fail("two servers on one port")
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await aiosmtplib.send(mail, hostname=HOST, port=port, start_tls=False)
