"""Common Access Tokens (CTA-5007): CBOR Web Tokens (RFC 8392) in COSE_Mac0 or COSE_Sign1.

Read are `exp` (which must be there), `nbf`, `iss`, `aud`, `cti`, `catv`, `catu`, `catm`, `catnip`
and `catgeoiso3166`. `iat`, `sub` and what tells others what to do (`catif`, `catifdata`, `catr`:
nothing is renewed here) limit nothing. Any other numbered claim is taken to limit something, and
refuses; so does `catreplay`, unless it permits replays. Claims with names of text are private to
others and passed over.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from cdnkit.tokens.claims import Claims, TokenError, TokenFault
from cdnkit.tokens.jwt import FindKey, check_parties, read_begin, read_end
from cdnkit.tokens.keys import EDDSA, ES256, HS256, PublicKey, decode_base64url
from cdnkit.tokens.uris import Match, Part, Rule, is_bounded

_CWT, _MAC0, _SIGN1 = 61, 17, 18
_ALG, _CRIT, _KID = 1, 2, 4
_ALGORITHMS: Final = {HS256: (_MAC0, 5), ES256: (_SIGN1, -7), EDDSA: (_SIGN1, -8)}
"""By key: the COSE structure and the number of the algorithm (RFC 9053)."""
_ISS, _SUB, _AUD, _EXP, _NBF, _IAT, _CTI = range(1, 8)
_CATREPLAY, _CATV, _CATNIP, _CATU, _CATM = 308, 310, 311, 312, 313
_CATGEO, _CATIFDATA, _CATIF, _CATR = 316, 320, 322, 323
_READ: Final = frozenset(
    {
        *(_ISS, _SUB, _AUD, _EXP, _NBF, _IAT, _CTI),
        *(_CATREPLAY, _CATV, _CATNIP, _CATU, _CATM, _CATGEO, _CATIFDATA, _CATIF, _CATR),
    }
)
_SIGNATURE_BYTES: Final = 64
_DEPTH_MAX: Final = 16
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_NETWORKS: Final = (IPv4Network, IPv6Network, IPv4Address, IPv6Address)


def _refuse(decoder: object) -> Any:
    """Tags with a meaning of their own have no place in a token (numbers, dates, references)."""
    raise TokenError(TokenFault.MALFORMED)


_OTHER_TAGS: Final[Mapping[int, Callable[..., Any]]] = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799),
    _refuse,
)


def open_cat(token: str, find: FindKey) -> Claims:
    """The claims of a token with a good signature. Raises TokenError."""
    try:
        message = _load(decode_base64url(token))
    except ValueError:
        raise TokenError(TokenFault.MALFORMED) from None
    if _is_tagged(message, _CWT):
        message = message.value
    if not (_is_tagged(message, _MAC0) or _is_tagged(message, _SIGN1)):
        raise TokenError(TokenFault.MALFORMED)
    structure, body = message.tag, message.value
    if not (isinstance(body, list | tuple) and len(body) == 4):
        raise TokenError(TokenFault.MALFORMED)
    protected, unprotected, payload, signature = body
    if not all(isinstance(each, bytes) for each in (protected, payload, signature)):
        raise TokenError(TokenFault.MALFORMED)
    header = _map(_load(protected))
    key = find(_kid(header, _map(unprotected)))
    expected = _ALGORITHMS.get(key.algorithm)
    if _CRIT in header or expected != (structure, header.get(_ALG)):
        raise TokenError(TokenFault.BAD_SIGNATURE)
    _verify(key.material, structure, protected, payload, signature)
    row = _map(_load(payload))
    check_parties(key, row.get(_ISS), row.get(_AUD))
    return _claims(row, key.id)


def _load(data: bytes) -> Any:
    try:
        return cbor2.loads(
            data,
            semantic_decoders=_OTHER_TAGS,
            max_depth=_DEPTH_MAX,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORError, ValueError, TypeError, RecursionError):
        raise TokenError(TokenFault.MALFORMED) from None


def _map(value: object) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise TokenError(TokenFault.MALFORMED)
    return value


def _is_tagged(value: object, tag: int) -> bool:
    return isinstance(value, cbor2.CBORTag) and value.tag == tag


def _kid(protected: Mapping[Any, Any], unprotected: Mapping[Any, Any]) -> str | None:
    kid = protected.get(_KID, unprotected.get(_KID))
    if kid is None:
        return None
    if not isinstance(kid, bytes) or not kid.isascii():
        raise TokenError(TokenFault.UNKNOWN_KEY)
    return kid.decode()


def _verify(
    material: bytes | PublicKey, structure: int, protected: bytes, payload: bytes, signature: bytes
) -> None:
    """RFC 9052 4.4 and 6.3. Raises TokenError."""
    context = "MAC0" if structure == _MAC0 else "Signature1"
    signed = cbor2.dumps([context, protected, b"", payload])
    if isinstance(material, bytes):
        if not hmac.compare_digest(hmac.digest(material, signed, "sha256"), signature):
            raise TokenError(TokenFault.BAD_SIGNATURE)
        return
    if len(signature) != _SIGNATURE_BYTES:
        raise TokenError(TokenFault.BAD_SIGNATURE)
    try:
        _verify_public(material, signature, signed)
    except InvalidSignature:
        raise TokenError(TokenFault.BAD_SIGNATURE) from None


def _verify_public(key: PublicKey, signature: bytes, signed: bytes) -> None:
    if isinstance(key, Ed25519PublicKey):
        key.verify(signature, signed)
        return
    assert isinstance(key, EllipticCurvePublicKey)
    half = _SIGNATURE_BYTES // 2
    numbers = (int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    key.verify(encode_dss_signature(*numbers), signed, ECDSA(SHA256()))


def _claims(row: Mapping[Any, Any], key_id: str) -> Claims:
    numbered = {name for name in row if not isinstance(name, str)}
    if not numbered <= _READ or row.get(_CATREPLAY, 0) != 0 or row.get(_CATV, 1) != 1:
        raise TokenError(TokenFault.UNSUPPORTED)
    cti = row.get(_CTI, b"")
    if not isinstance(cti, bytes) or len(cti) > 64:
        raise TokenError(TokenFault.MALFORMED)
    return Claims(
        key_id,
        "/",
        read_end(row.get(_EXP)),
        read_begin(row.get(_NBF, 0)),
        session=cti.hex(),
        countries=_texts(row.get(_CATGEO), _COUNTRY),
        networks=_networks(row.get(_CATNIP)),
        methods=_texts(row.get(_CATM), _METHOD),
        rules=_rules(row.get(_CATU)),
    )


def _items(value: object) -> tuple[Any, ...]:
    """A list, or the one thing that stands for a list of itself; never empty when it is there."""
    if value is None:
        return ()
    items = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not items:
        raise TokenError(TokenFault.UNSUPPORTED)
    return items


def _texts(value: object, grammar: re.Pattern[str]) -> tuple[str, ...]:
    items = _items(value)
    if not all(isinstance(each, str) and grammar.fullmatch(each) for each in items):
        raise TokenError(TokenFault.UNSUPPORTED)
    return items


def _networks(value: object) -> tuple[str, ...]:
    """Networks of `catnip` (RFC 9164, or their text); numbers of autonomous systems refuse."""
    return tuple(str(_network(each)) for each in _items(value))


def _network(value: object) -> IPv4Network | IPv6Network:
    if not isinstance(value, (*_NETWORKS, str)):
        raise TokenError(TokenFault.UNSUPPORTED)
    try:
        return ip_network(value)
    except ValueError:
        raise TokenError(TokenFault.MALFORMED) from None


def _rules(container: object) -> tuple[Rule, ...]:
    """What `catu` says: for parts of the URL, one or more ways in which each has to match."""
    if container is None:
        return ()
    found = [
        _rule(part, match, value)
        for part, matches in _map(container).items()
        for match, value in _map(matches).items()
    ]
    return tuple(found)


def _rule(part: object, match: object, value: object) -> Rule:
    try:
        if type(part) is not int or type(match) is not int or part < 0:
            raise ValueError
        rule_part, rule_match = Part(part), Match(match)
    except ValueError:
        raise TokenError(TokenFault.UNSUPPORTED) from None
    if rule_match in (Match.SHA256, Match.SHA512_256):
        text = value.hex() if isinstance(value, bytes) else None
    elif rule_part is Part.PORT and type(value) is int:
        text = str(value)
    else:
        text = value if isinstance(value, str) else None
    if rule_match is Match.REGEX and isinstance(value, list | tuple) and len(value) == 1:
        # An expression comes with what its groups have to hold; one without groups is kept here.
        text = value[0] if isinstance(value[0], str) else None
    if text is None or (rule_match is Match.REGEX and not is_bounded(text)):
        raise TokenError(TokenFault.UNSUPPORTED)
    return Rule(rule_part, rule_match, text)
