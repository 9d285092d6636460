"""The keys that verify tokens: each is for one dialect and one algorithm, and for nothing else.

A token never chooses: what its header says of an algorithm has to agree with the key it names.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeGuard

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cdnkit.errors import BadRequestError
from cdnkit.tokens.native import KEY_LENGTH_MIN

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey

NATIVE: Final = "native"
JWT: Final = "jwt"
CAT: Final = "cat"
HS256: Final = "HS256"
ES256: Final = "ES256"
EDDSA: Final = "EdDSA"
DECRYPTS: Final = {"A128GCM": 16, "A256GCM": 32}
"""Algorithms of keys that open the encrypted address of a JWT, with their lengths in bytes."""
JWT_SECRET_LENGTH_MIN: Final = 32
"""Bytes (RFC 7518 3.2)."""

_BINARY: Final = "base64url:"
_PEM: Final = "-----BEGIN"
_ARMOUR: Final = re.compile(
    r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----"
)
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that verifies; `material` is a secret or a public key, by `algorithm`.

    Tokens that name an audience have to name one of `audiences`; with `issuer`, only its
    tokens are taken.
    """

    id: str
    dialect: str
    algorithm: str
    material: bytes | PublicKey = field(repr=False)
    audiences: tuple[str, ...] = ()
    issuer: str = ""


class WrittenKey(Protocol):
    """A key as a topology has it."""

    @property
    def id(self) -> str: ...
    @property
    def dialect(self) -> str: ...
    @property
    def algorithm(self) -> str: ...
    @property
    def secret(self) -> str: ...
    @property
    def public_key(self) -> str: ...
    @property
    def audiences(self) -> tuple[str, ...]: ...
    @property
    def issuer(self) -> str: ...


def read_keys(written: Iterable[WrittenKey]) -> tuple[Key, ...]:
    """The keys of a topology, in its order. Raises BadRequestError for one that cannot be used."""
    return tuple(_read_key(each) for each in written)


def native_keys(written: Iterable[WrittenKey]) -> dict[str, bytes]:
    """The secrets of our own dialect by key id; the first signs, all verify."""
    return {key.id: key.secret.encode() for key in written if key.dialect == NATIVE}


def _read_key(written: WrittenKey) -> Key:
    if written.algorithm in (ES256, EDDSA):
        material: bytes | PublicKey = _read_public(written)
    else:
        material = _read_secret(written)
    if written.dialect == NATIVE and written.algorithm != HS256:
        raise _unusable(written, "tokens of our own dialect are signed with HS256")
    if written.algorithm in DECRYPTS and written.dialect != JWT:
        raise _unusable(written, "only JWTs have encrypted parts")
    return Key(
        written.id,
        written.dialect,
        written.algorithm,
        material,
        tuple(written.audiences),
        written.issuer,
    )


def _read_secret(written: WrittenKey) -> bytes:
    text = written.secret
    if text.lstrip().startswith(_PEM):
        # Whoever has a public key could sign with it, were it taken for a secret.
        raise _unusable(written, "a key in PEM form is no secret: it belongs into public_key")
    secret = text.encode()
    if written.dialect != NATIVE and text.startswith(_BINARY):
        try:
            secret = decode_base64url(text[len(_BINARY) :])
        except ValueError:
            raise _unusable(written, "what follows 'base64url:' is no base64url") from None
    exact = DECRYPTS.get(written.algorithm)
    if exact is not None and len(secret) != exact:
        raise _unusable(written, f"{written.algorithm} takes a key of {exact} bytes")
    least = JWT_SECRET_LENGTH_MIN if written.dialect == JWT else KEY_LENGTH_MIN
    if exact is None and len(secret) < least:
        raise _unusable(written, f"it is shorter than {least} bytes")
    return secret


def _read_public(written: WrittenKey) -> PublicKey:
    try:
        key = load_der_public_key(b64decode(_der_of(written.public_key), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        raise _unusable(written, "public_key is no public key in PEM form") from None
    if written.algorithm == EDDSA and isinstance(key, Ed25519PublicKey):
        return key
    if written.algorithm == ES256 and _is_p256(key):
        return key
    raise _unusable(written, f"public_key is none for {written.algorithm}")


def _der_of(pem: str) -> str:
    """The base64 of a PEM, whose lines may be joined by blanks. Raises ValueError."""
    armour = _ARMOUR.fullmatch(pem.strip())
    if armour is None:
        raise ValueError("no PEM")
    return "".join(armour[1].split())


def _is_p256(key: object) -> TypeGuard[EllipticCurvePublicKey]:
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)


def _unusable(written: WrittenKey, why: str) -> BadRequestError:
    return BadRequestError(f"The token key {written.id!r} cannot be used: {why}.")


def decode_base64url(text: str) -> bytes:
    """Bytes of base64url without padding (RFC 4648 5). Raises ValueError."""
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("no base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("no base64url") from error
