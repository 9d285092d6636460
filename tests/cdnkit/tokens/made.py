"""Tokens of other dialects made by hand, and keys to verify them."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cdnkit.tokens.keys import CAT, HS256, JWT, Key

SECRET: Final = b"a shared key of the tests, 32 by"
SEALING: Final = b"sixteen-bytes-of"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt_key(key_id: str = "j1", secret: bytes = SECRET, **more: Any) -> Key:
    return Key(key_id, JWT, HS256, secret, **more)


def sealing_key(key_id: str = "s1") -> Key:
    return Key(key_id, JWT, "A128GCM", SEALING)


def cat_key(key_id: str = "c1", secret: bytes = SECRET, **more: Any) -> Key:
    return Key(key_id, CAT, HS256, secret, **more)


def make_jwt(claims: dict[str, Any], secret: bytes = SECRET, **header: Any) -> str:
    """A token signed with HMAC whatever its header says; members of None are left out."""
    members = {"alg": "HS256", "kid": "j1", **header}
    parts = [{name: value for name, value in each.items() if value is not None} for each in
             (members, claims)]  # fmt: skip
    signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


def seal(text: str, **header: Any) -> str:
    """A compact JWE with the key of the sealing."""
    head = base64url(json.dumps({"alg": "dir", "enc": "A128GCM", "kid": "s1", **header}).encode())
    nonce = bytes(12)
    sealed = AESGCM(SEALING).encrypt(nonce, text.encode(), head.encode())
    return f"{head}..{base64url(nonce)}.{base64url(sealed[:-16])}.{base64url(sealed[-16:])}"


def make_cat(
    claims: object,
    secret: bytes = SECRET,
    *,
    protected: object = None,
    unprotected: object = None,
    tag: int = 17,
    is_cwt: bool = True,
) -> str:
    """A token in COSE_Mac0; `claims` are encoded unless they are bytes."""
    head = cbor2.dumps({1: 5} if protected is None else protected)
    payload = claims if isinstance(claims, bytes) else cbor2.dumps(claims)
    mac = hmac.digest(secret, cbor2.dumps(["MAC0", head, b"", payload]), "sha256")
    names = {4: b"c1"} if unprotected is None else unprotected
    message = cbor2.CBORTag(tag, [head, names, payload, mac])
    return base64url(cbor2.dumps(cbor2.CBORTag(61, message) if is_cwt else message))
