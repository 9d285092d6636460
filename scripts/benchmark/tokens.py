"""What it costs to verify a playback token of each dialect, the first time and once remembered.

Single calls are timed one by one; given are medians. Nothing but the interpreter is measured.
"""

from __future__ import annotations

import statistics
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from jwt import PyJWS

from cdnkit.tokens import Claims, check_claims, sign
from cdnkit.tokens.keys import CAT, EDDSA, ES256, HS256, JWT, NATIVE, Key
from cdnkit.tokens.verifier import Verifier

_SECRET: Final = b"a shared key for measuring tokens"
_PATH: Final = "/films/a/seg-1.m4s"
_URL: Final = f"https://cdn.example{_PATH}"
_NOW: Final = 1_900_000_000
_END: Final = 2_000_000_000
_CALLS: Final = 5_000

_JWT_CLAIMS: Final = b'{"exp":2000000000,"cdniuc":"regex:https://cdn\\\\.example/films/a/.*"}'
_CAT_CLAIMS: Final = {4: _END, 312: {1: {0: "cdn.example"}, 3: {1: "/films/a/"}}}

Sample = tuple[str, Key, str]
"""Name, the key that verifies, the token."""


def samples() -> list[Sample]:
    """One token of each dialect and algorithm."""
    claims = Claims("k", "/films/a/", _END, session="s-1", countries=("DE", "FR"))
    native = Key("k", NATIVE, HS256, _SECRET)
    return [
        ("native", native, sign(claims, {"k": _SECRET})),
        *(_jwt(algorithm) for algorithm in (HS256, ES256, EDDSA)),
        *(_cat(algorithm) for algorithm in (HS256, ES256, EDDSA)),
    ]


def _jwt(algorithm: str) -> Sample:
    signing = _signing_key(algorithm)
    token = PyJWS().encode(_JWT_CLAIMS, signing, algorithm, {"kid": "k"})
    return f"jwt {algorithm}", Key("k", JWT, algorithm, _public(signing)), token


def _cat(algorithm: str) -> Sample:
    signing = _signing_key(algorithm)
    number, tag, context = {
        HS256: (5, 17, "MAC0"),
        ES256: (-7, 18, "Signature1"),
        EDDSA: (-8, 18, "Signature1"),
    }[algorithm]
    head, payload = cbor2.dumps({1: number}), cbor2.dumps(_CAT_CLAIMS)
    signature = _sign(signing, cbor2.dumps([context, head, b"", payload]))
    message = cbor2.CBORTag(tag, [head, {4: b"k"}, payload, signature])
    token = urlsafe_b64encode(cbor2.dumps(cbor2.CBORTag(61, message))).rstrip(b"=").decode()
    return f"cat {algorithm}", Key("k", CAT, algorithm, _public(signing)), token


_Signing = bytes | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def _signing_key(algorithm: str) -> _Signing:
    if algorithm == HS256:
        return _SECRET
    if algorithm == ES256:
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def _public(
    key: _Signing,
) -> bytes | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    return key if isinstance(key, bytes) else key.public_key()


def _sign(key: _Signing, signed: bytes) -> bytes:
    if isinstance(key, bytes):
        mac = HMAC(key, SHA256())
        mac.update(signed)
        return mac.finalize()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(signed)
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def median_us(call: Callable[[], object], calls: int) -> float:
    """Microseconds of the median call."""
    seconds = []
    for _ in range(calls):
        began_at = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began_at)
    return statistics.median(seconds) * 1e6


def measure(sample: Sample, calls: int = _CALLS) -> tuple[float, float]:
    """Microseconds to open and check a token for the first time, and when it is remembered."""
    _, key, token = sample
    remembering, forgetful = Verifier([key]), Verifier([key], remembered=0)

    def verify(verifier: Verifier) -> None:
        check_claims(verifier.open(token), _PATH, _NOW, country="DE", url=_URL)

    return median_us(lambda: verify(forgetful), calls), median_us(
        lambda: verify(remembering), calls
    )


def main() -> int:
    """Print the table."""
    print("| token | length | verify, us | remembered, us |\n|---|---|---|---|")
    for sample in samples():
        first, again = measure(sample)
        print(f"| {sample[0]} | {len(sample[2])} | {first:.1f} | {again:.1f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
