"""Brings one message to one device through its browser's push service (RFC 8030, 8291, 8292).

The library `pywebpush` (extra `push`) encrypts and signs; without it the channel is off. A push
service that does not know the device any more (404, 410) says that it is gone for good.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives import serialization

from cdnkit.errors import UnavailableError
from config.service import Push
from origin.domains.notifications.queries import Device
from origin.domains.notifications.rules import SENT, Outcome
from origin.domains.notifications.words import Words

GONE: Final = frozenset({404, 410})
_LASTS_SECONDS: Final = 12 * 3600
_SIGNATURE_SECONDS: Final = 12 * 3600


class PushService:
    """Sends as the sender whose key the topology has. Raises UnavailableError without a good key
    or without the library."""

    def __init__(self, settings: Push, now: Callable[[], float]) -> None:
        try:
            self._library: Any = importlib.import_module("pywebpush")
            vapid: Any = importlib.import_module("py_vapid")
        except ImportError as error:
            raise UnavailableError("pushes need pywebpush: pip install 'cinedge[push]'") from error
        try:
            self._key: Any = vapid.Vapid.from_string(private_key=settings.secret)
        except Exception as error:  # of the key parser
            raise UnavailableError("the key of pushes is no VAPID key (RFC 8292)") from error
        self._settings = settings
        self._now = now
        self.hosts = settings.hosts

    @property
    def public_key(self) -> str:
        """What a browser subscribes with: the point of the key, base64url (RFC 8292 3.2)."""
        point: bytes = self._key.public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    async def send(self, device: Device, words: Words, key: str) -> tuple[Outcome, bool]:
        """Bring a message; the outcome, and whether the device is gone."""
        text = {"title": words.subject, "body": words.text, "link": words.link, "tag": key}
        try:
            answer = await self._library.webpush_async(
                {
                    "endpoint": device.endpoint,
                    "keys": {"p256dh": device.p256dh, "auth": device.auth},
                },
                json.dumps(text),
                vapid_private_key=self._key,
                vapid_claims=self._claims(device.endpoint),
                ttl=_LASTS_SECONDS,
                timeout=self._settings.timeout_seconds,
            )
        except self._library.WebPushException as error:
            return _refused(getattr(error.response, "status", 0) or _status_of(error))
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(f"the push service does not answer: {type(error).__name__}"), False
        except ValueError:
            return Outcome("the keys of the device are none", is_final=True), True
        answer.release()
        return SENT, False

    def _claims(self, endpoint: str) -> dict[str, str | int]:
        parts = urlsplit(endpoint)
        return {
            "sub": self._settings.contact,
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(self._now()) + _SIGNATURE_SECONDS,
        }


def _status_of(error: Any) -> int:
    return int(getattr(error.response, "status_code", 0) or 0)


def _refused(status: int) -> tuple[Outcome, bool]:
    """Too many requests and failures of the service pass; other refusals do not (RFC 8030 8.4)."""
    passes = status in (0, 408, 429) or status >= 500
    said = f"the push service said {status}" if status else "the push service does not answer"
    return Outcome(said, is_final=not passes), status in GONE
