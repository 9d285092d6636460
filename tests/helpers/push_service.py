"""A push service of our own (RFC 8030) that also holds the browser's keys and decrypts."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_vapid_key() -> str:
    """A private key as the settings take it."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return encode(number.to_bytes(32, "big"))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


@dataclass(slots=True)
class PushService:
    """What arrived, decrypted, with the claims of who sent it."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    answers: list[int] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def subscription(self) -> dict[str, Any]:
        """What the browser's `toJSON()` would say."""
        return {
            "endpoint": self.url,
            "expirationTime": None,
            "keys": {"p256dh": encode(_point(self.key.public_key())), "auth": encode(self.auth)},
        }

    async def take(self, request: web.Request) -> web.Response:
        """Take a push, or not."""
        status = self.answers.pop(0) if self.answers else 201
        if status < 300:
            assert request.headers["Content-Encoding"] == "aes128gcm"
            self._check_sender(request.headers["Authorization"])
            clear = http_ece.decrypt(
                await request.read(), private_key=self.key, auth_secret=self.auth
            )
            self.received.append(json.loads(clear))
        return web.Response(status=status)

    def _check_sender(self, field: str) -> None:
        """RFC 8292 3: a signed token, and the key that signed it."""
        scheme, _, rest = field.partition(" ")
        assert scheme == "vapid"
        parts = dict(each.strip().split("=", 1) for each in rest.split(","))
        point = base64.urlsafe_b64decode(parts["k"] + "=" * (-len(parts["k"]) % 4))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(
            parts["t"],
            key,
            algorithms=["ES256"],
            options={"verify_aud": False, "verify_exp": False},
        )
        self.claims.append(claims)
        self.senders.append(parts["k"])


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """A push service inside the block."""
    service = PushService()
    app = web.Application()
    app.router.add_post("/device", service.take)
    async with TestServer(app, host="127.0.0.1") as server:
        service.url = str(server.make_url("/device"))
        yield service
