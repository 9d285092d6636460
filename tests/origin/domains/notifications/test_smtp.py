"""Mails handed to a real server, and how its refusals are taken."""

from __future__ import annotations

import socket

import aiosmtplib
import pytest

from config.service import Mail, MailLogin
from origin.domains.notifications.mail import Letter, Sender, compose
from origin.domains.notifications.rules import SENT, Outcome
from origin.domains.notifications.smtp import MailServer, is_final
from origin.domains.notifications.words import Words
from tests.helpers import mail_server
from tests.helpers.mail_server import DIE

WORDS = Words("Löwe", "Ä text.", "", "")


def settings(port: int, login: MailLogin | None = None) -> Mail:
    return Mail(
        host="127.0.0.1",
        port=port,
        security="none",
        sender="films@films.example",
        login=login,
        timeout_seconds=5,
    )


async def send(port: int, to: str = "anna@example.org") -> Outcome:
    message = compose(Letter("k1", to, "en", WORDS, 1.0), Sender("films@films.example"))
    return await MailServer(settings(port)).send(message, to)


async def test_mail_arrives_as_it_was_written() -> None:
    async with mail_server.mail_server() as server:
        assert await send(server.port) == SENT
    ((to, message),) = server.mails
    assert (to, message["Subject"]) == ("anna@example.org", "Löwe")


async def test_address_of_another_script_arrives() -> None:
    async with mail_server.mail_server() as server:
        assert await send(server.port, "anna@bücher.example") == SENT


async def test_refusal_for_now_is_not_final_and_one_for_good_is() -> None:
    async with mail_server.mail_server("451 later", "554 never") as server:
        later, never = await send(server.port), await send(server.port)
        server.refused["anna@example.org"] = "550 no such mailbox"
        gone = await send(server.port)
    assert later == Outcome("the mail server said 451")
    assert never == Outcome("the mail server said 554", is_final=True)
    assert gone == Outcome("refused: 550", is_final=True)


async def test_server_that_dies_with_the_mail_leaves_it_open() -> None:
    async with mail_server.mail_server(DIE) as server:
        outcome = await send(server.port)
    assert outcome.error
    assert not outcome.is_final
    assert len(server.mails) == 1


async def test_server_that_is_not_there_is_awaited() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = await send(unused.getsockname()[1])
    assert outcome.error.startswith("the mail server does not answer")
    assert not outcome.is_final


async def test_login_that_fails_is_for_the_operator_to_mend() -> None:
    async with mail_server.mail_server() as server:
        login = MailLogin("films", "secret-password", "")
        message = compose(
            Letter("k", "anna@example.org", "en", WORDS, 1.0), Sender("films@films.example")
        )
        outcome = await MailServer(settings(server.port, login)).send(message, "anna@example.org")
    assert outcome.error
    assert "secret-password" not in outcome.error


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (aiosmtplib.SMTPAuthenticationError(535, "no"), False),
        (aiosmtplib.SMTPConnectResponseError(554, "no"), False),
        (aiosmtplib.SMTPServerDisconnected("gone"), False),
        (aiosmtplib.SMTPSenderRefused(550, "no", "a"), True),
        (aiosmtplib.SMTPDataError(452, "full"), False),
        (aiosmtplib.SMTPRecipientsRefused([aiosmtplib.SMTPRecipientRefused(450, "x", "a")]), False),
        (aiosmtplib.SMTPNotSupported("SMTPUTF8"), True),
    ],
)
def test_what_trying_again_cannot_mend_is_final(error: Exception, final: bool) -> None:
    assert is_final(error) is final
