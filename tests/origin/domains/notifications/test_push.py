"""Pushes that a service of our own decrypts, and what it means when one is refused."""

from __future__ import annotations

import importlib
import time

import pytest

from cdnkit.errors import UnavailableError
from config.service import Push
from origin.domains.notifications.push import PushService
from origin.domains.notifications.queries import Device
from origin.domains.notifications.rules import SENT
from origin.domains.notifications.words import Words
from tests.helpers import push_service
from tests.helpers.push_service import make_vapid_key

WORDS = Words("A title", "Some text: ä 🦁", "Look", "https://films.example/")


def settings(secret: str = "") -> Push:
    return Push("mailto:films@films.example", secret or make_vapid_key(), "", ("127.0.0.1",), 5.0)


def device_of(service: push_service.PushService) -> Device:
    keys = service.subscription["keys"]
    return Device("d1", "anna", service.url, keys["p256dh"], keys["auth"])


async def test_push_arrives_encrypted_and_signed() -> None:
    sender = PushService(settings(), time.time)
    async with push_service.push_service() as service:
        assert await sender.send(device_of(service), WORDS, "k1") == (SENT, False)
    assert service.received == [
        {
            "title": "A title",
            "body": "Some text: ä 🦁",
            "link": "https://films.example/",
            "tag": "k1",
        }
    ]
    (claims,) = service.claims
    assert claims["sub"] == "mailto:films@films.example"
    assert service.url.startswith(claims["aud"])
    assert service.senders == [sender.public_key]


@pytest.mark.parametrize(
    ("status", "final", "gone"),
    [
        (410, True, True),
        (404, True, True),
        (400, True, False),
        (429, False, False),
        (503, False, False),
    ],
)
async def test_refusal_says_whether_the_device_is_gone(
    status: int, final: bool, gone: bool
) -> None:
    async with push_service.push_service() as service:
        service.answers = [status]
        outcome, is_gone = await PushService(settings(), time.time).send(
            device_of(service), WORDS, "k1"
        )
    assert outcome.error == f"the push service said {status}"
    assert (outcome.is_final, is_gone) == (final, gone)


async def test_service_that_is_not_there_is_awaited() -> None:
    async with push_service.push_service() as service:
        device = device_of(service)
    outcome, is_gone = await PushService(settings(), time.time).send(device, WORDS, "k1")
    assert (bool(outcome.error), outcome.is_final, is_gone) == (True, False, False)


def test_key_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(UnavailableError) as refused:
        PushService(settings("not-a-key"), time.time)
    assert "not-a-key" not in refused.value.detail


def test_library_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UnavailableError, match=r"cinedge\[push\]"):
        PushService(settings(), time.time)
