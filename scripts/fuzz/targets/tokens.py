"""Targets that read playback tokens: forged ones never open, and signed nonsense is refused."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import cbor2

from cdnkit.tokens import Claims, sign
from cdnkit.tokens.claims import TokenError, check_claims
from cdnkit.tokens.keys import CAT, HS256, JWT, NATIVE, Key
from cdnkit.tokens.uris import is_bounded
from cdnkit.tokens.verifier import Verifier
from cdnkit.tokens.where import split_token_path, token_of_query
from scripts.fuzz.target import Target, require, text_of

_SECRET: Final = b"a shared key of the fuzzers, 32 b"
_NOW: Final = 1_900_000_000
_VERIFIER: Final = Verifier(
    (
        Key("k1", NATIVE, HS256, _SECRET),
        Key("j1", JWT, HS256, _SECRET),
        Key("s1", JWT, "A128GCM", _SECRET[:16]),
        Key("c1", CAT, HS256, _SECRET),
    ),
    remembered=0,
)


def _base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _jwt(claims: bytes, header: bytes = b'{"alg":"HS256","kid":"j1"}') -> bytes:
    signed = _base64url(header) + b"." + _base64url(claims)
    return signed + b"." + _base64url(hmac.digest(_SECRET, signed, "sha256"))


def _cat(claims: bytes, protected: bytes = b"\xa1\x01\x05") -> bytes:
    mac = hmac.digest(_SECRET, cbor2.dumps(["MAC0", protected, b"", claims]), "sha256")
    message = cbor2.CBORTag(17, [protected, {4: b"c1"}, claims, mac])
    return _base64url(cbor2.dumps(cbor2.CBORTag(61, message)))


def _native(claims: bytes) -> bytes:
    signed = b"1.k1." + _base64url(claims)
    return signed + b"." + _base64url(hmac.digest(_SECRET, signed, "sha256"))


_NATIVE_CLAIMS: Final = b'["/films/",2000000000,0,"s","2001:db8::/64","DE",750000]'
_JWT_CLAIMS: Final = json.dumps(
    {"exp": 2_000_000_000, "nbf": 1, "iss": "a", "cdniv": 1, "cdniuc": "regex:http://a/films/.*"}
).encode()
_CAT_CLAIMS: Final = cbor2.dumps({4: 2_000_000_000, 5: 1, 312: {3: {1: "/films/"}}, 313: ["GET"]})
_GOOD: Final = (
    sign(Claims("k1", "/films/", 2_000_000_000), {"k1": _SECRET}).encode(),
    _jwt(_JWT_CLAIMS),
    _cat(_CAT_CLAIMS),
)


def _opened(token: bytes) -> Claims | None:
    with suppress(TokenError):
        return _VERIFIER.open(text_of(token))
    return None


_KNOWN: Final = [claims for token in _GOOD if (claims := _opened(token)) is not None]


def read_forged(data: bytes) -> None:
    """A token that opens says what one of ours says: nothing was signed for anything else."""
    text = text_of(data)
    split_token_path("/~" + text + "/a")
    token_of_query("t=" + text)
    claims = _VERIFIER.open(text)
    require(claims in _KNOWN, "a forged token opens")


def _signed(make: Callable[[bytes], bytes]) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        claims = _VERIFIER.open(text_of(make(data)))
        check_claims(claims, "/films/a", _NOW, "2001:db8::1", "DE", url="http://a/films/a?b=1#c")

    return read


def read_alg(data: bytes) -> None:
    """What a header says of algorithm and key never chooses them."""
    signed = b".".join((_base64url(data), _base64url(_JWT_CLAIMS)))
    for signature in (b"", _base64url(hmac.digest(b"", signed, "sha256"))):
        require(_opened(signed + b"." + signature) is None, "an unsigned token opens")
    require(_opened(_cat(_CAT_CLAIMS, data)[:-1]) is None, "a cut token opens")


def read_pattern(data: bytes) -> None:
    """Regular expressions in a token, which are somebody else's: bounded or refused."""
    pattern = data.decode("latin-1")
    is_bounded(pattern)
    claims = json.dumps({"exp": 2_000_000_000, "cdniv": 1, "cdniuc": "regex:" + pattern})
    opened: Any = _VERIFIER.open(text_of(_jwt(claims.encode())))
    for path in ("/" + "a" * 500 + "!", "/" + "0" * 500, "/films/a.mp4?" + "ab" * 200):
        check_claims(opened, "/a", _NOW, url="http://a" + path)


_WORDS: Final = (b".", b"1.k1.", b"eyJhbGciOiJub25lIn0", b"e30", b"=", b"_-", b"0gsB")
_JSON_WORDS: Final = (
    *(b'"exp":', b'"nbf":', b'"cdniuc":"', b'"hash:sha-256;', b"null", b"[]", b"{}", b"true"),
    *(b'"cdniip":"', b'"sub":', b'"aud":', b"-1", b"1e400", b"NaN", b'"\\ud800"', b'"kid":"j1"'),
)
_REFUSALS: Final = (TokenError,)
TARGETS: Final = (
    Target("tokens", read_forged, _GOOD, _WORDS, _REFUSALS),
    Target("token-native", _signed(_native), [_NATIVE_CLAIMS], _JSON_WORDS, _REFUSALS),
    Target("token-jwt", _signed(_jwt), [_JWT_CLAIMS], _JSON_WORDS, _REFUSALS),
    Target(
        "token-cat",
        _signed(_cat),
        [_CAT_CLAIMS, cbor2.dumps({4: 1, 312: {0: {4: "^a+$"}}, 314: []})],
        (b"\x1a\x7f\xff\xff\xff", b"\x9f", b"\xff", b"\xbf", b"\xfb\x7f\xf8" + bytes(6),
         b"\xc2\x58", b"\xd8\x1c", b"\xd8\x1d\x00", b"\x19\x01\x38"),
        _REFUSALS,
    ),
    Target("token-alg", read_alg, [b'{"alg":"none"}', b'{"alg":"HS256","kid":"j1"}', b"\xa1\1\5"],
           (b'"none"', b'"HS512"', b'"RS256"', b'"jwk":{', b'"kid":"c1"', b'"crit":["b64"]')),
    Target("token-pattern", read_pattern, [b".*", b"http://a/[0-9]+/.*", b"(a|b)+c", b"a{1,3}b?"],
           (b"(a+)+", b"(a|a)*", b"{1,1000}", b".*", b"[^/]*", b"(?=", b"\\1", b"(?P<a>", b"|"),
           _REFUSALS),
)  # fmt: skip
