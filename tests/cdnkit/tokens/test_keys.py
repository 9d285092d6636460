"""Keys of a topology are read, and one that could be misused is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cdnkit.errors import BadRequestError
from cdnkit.tokens.keys import decode_base64url, native_keys, read_keys

LONG = "a shared key of the tests, 32 by"


@dataclass(frozen=True)
class Written:
    id: str = "k"
    dialect: str = "native"
    algorithm: str = "HS256"
    secret: str = LONG
    public_key: str = ""
    audiences: tuple[str, ...] = ()
    issuer: str = ""


def pem(key: Any) -> str:
    encoded: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return encoded.decode()


P256 = pem(ec.generate_private_key(ec.SECP256R1()).public_key())
P384 = pem(ec.generate_private_key(ec.SECP384R1()).public_key())
ED25519 = pem(ed25519.Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize(
    ("written", "material"),
    [
        (Written(), LONG.encode()),
        (Written(secret="base64url:AAAAAAAAAAAAAAAAAAAA"), b"base64url:AAAAAAAAAAAAAAAAAAAA"),
        (Written(dialect="cat", secret="base64url:" + "A" * 22), bytes(16)),
        (Written(dialect="jwt", algorithm="A128GCM", secret="base64url:" + "A" * 22), bytes(16)),
    ],
)
def test_a_secret_is_text_or_for_others_binary(written: Written, material: bytes) -> None:
    (key,) = read_keys([written])
    assert key.material == material


@pytest.mark.parametrize(("algorithm", "text"), [("ES256", P256), ("EdDSA", ED25519)])
def test_public_keys_are_read(algorithm: str, text: str) -> None:
    (key,) = read_keys([Written(dialect="jwt", algorithm=algorithm, secret="", public_key=text)])
    assert not isinstance(key.material, bytes)
    assert pem(key.material) == text


def test_a_public_key_may_stand_on_one_line() -> None:
    line = " ".join(ED25519.split("\n"))
    (key,) = read_keys([Written(dialect="cat", algorithm="EdDSA", secret="", public_key=line)])
    assert pem(key.material) == ED25519


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "short"},
        {"secret": P256},
        {"algorithm": "ES256", "public_key": P256},
        {"dialect": "jwt", "secret": "only sixteen-byte"},
        {"dialect": "jwt", "secret": "\n" + P256},
        {"dialect": "jwt", "algorithm": "ES256"},
        {"dialect": "jwt", "algorithm": "ES256", "public_key": P384},
        {"dialect": "jwt", "algorithm": "ES256", "public_key": ED25519},
        {"dialect": "jwt", "algorithm": "ES256", "public_key": P256.replace("MF", "M!")},
        {"dialect": "jwt", "algorithm": "ES256", "public_key": P256.replace("MF", "AA")},
        {"dialect": "cat", "algorithm": "EdDSA", "public_key": P256},
        {"dialect": "cat", "algorithm": "A128GCM", "secret": "sixteen-bytes-of"},
        {"dialect": "jwt", "algorithm": "A256GCM", "secret": "sixteen-bytes-of"},
        {"dialect": "cat", "secret": "base64url:!!!!!!!!!!!!!!!!!!!!!!"},
    ],
)
def test_a_key_that_could_be_misused_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError) as refused:
        read_keys([Written(**changes)])
    assert "'k'" in refused.value.detail
    assert LONG not in refused.value.detail


def test_only_keys_of_our_own_dialect_sign() -> None:
    written = [Written("j", dialect="jwt"), Written("a"), Written("b", secret="x" * 16)]
    assert native_keys(written) == {"a": LONG.encode(), "b": b"x" * 16}


@pytest.mark.parametrize("text", ["A", "AA==", "A+A/", "AA AA", "é", "A\n"])
def test_only_base64url_without_padding_is_decoded(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode_base64url(text)
