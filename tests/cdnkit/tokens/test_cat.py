"""Common Access Tokens: published examples, every claim that is read, and what is refused."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from cdnkit.tokens import Claims, TokenError, TokenFault, check_claims
from cdnkit.tokens.keys import CAT, EDDSA, ES256, HS256, Key, decode_base64url
from cdnkit.tokens.verifier import Verifier
from tests.cdnkit.tokens.made import base64url, cat_key, make_cat
from tests.helpers.vectors import case_id, load_vectors

RFC_SECRET = bytes.fromhex("403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388")
RFC_PUBLIC = ec.EllipticCurvePublicNumbers(
    0x143329CCE7868E416927599CF65A34F3CE2FFDA55A7ECA69ED8919A394D42F0F,
    0x60F7F1A780D8A783BFB7A2DD6B2796E8128DBBCEF9D3D168DB9529971A36E7B9,
    ec.SECP256R1(),
).public_key()
LIGHT = ("coap://light.example.com",)
PUBLISHED = Verifier(
    [
        Key("Symmetric256", CAT, HS256, RFC_SECRET, LIGHT),
        Key("AsymmetricECDSA256", CAT, ES256, RFC_PUBLIC, LIGHT),
        Key("akamai_key_hs256", CAT, HS256, RFC_SECRET),
    ]
)
OURS = Verifier([cat_key(audiences=("us",))])
URL = "https://cdn.example/films/a/1.ts"
EXP, CATNIP, CATU, CATM, GEO = 4, 311, 312, 313, 316


def fault_of(token: str, verifier: Verifier = OURS) -> TokenFault:
    with pytest.raises(TokenError) as refused:
        verifier.open(token)
    return refused.value.reason


def text_of(case: dict[str, Any]) -> str:
    return case["cat"] if "cat" in case else base64url(bytes.fromhex(case["hex"]))


def judge(claims: Claims, **asked: Any) -> TokenFault | None:
    asked = {"client_ip": "2001:db8::9", "country": "DE", "url": URL, **asked}
    try:
        check_claims(claims, "/films/a/1.ts", 1000, **asked)
    except TokenError as refused:
        return refused.reason
    return None


def verdict(more: dict[Any, Any], **asked: Any) -> TokenFault | None:
    """What becomes of a token with these claims besides its end."""
    try:
        claims = OURS.open(make_cat({EXP: 2000, **more}))
    except TokenError as refused:
        return refused.reason
    return judge(claims, **asked)


@pytest.mark.parametrize("case", load_vectors("tokens_cat", "read"), ids=case_id)
def test_published_tokens_are_read(case: dict[str, Any]) -> None:
    claims = PUBLISHED.open(text_of(case))
    assert claims.expires_at == case["expires_at"]
    assert claims.not_before == case["not_before"]
    assert claims.session == case.get("session", "")


@pytest.mark.parametrize("case", load_vectors("tokens_cat", "refused"), ids=case_id)
def test_published_tokens_are_refused(case: dict[str, Any]) -> None:
    assert fault_of(text_of(case), PUBLISHED) is TokenFault(case["fault"])


def test_a_truncated_mac_has_the_bytes_of_a_whole_one() -> None:
    """RFC 8392 A.4 is the first eight bytes of what is computed here for its whole length."""
    case = next(case for case in load_vectors("tokens_cat") if case["name"] == "RFC 8392 A.4")
    message = cbor2.loads(bytes.fromhex(case["hex"])).value.value
    whole = make_cat(message[2], RFC_SECRET, protected={1: 4})
    assert cbor2.loads(decode_base64url(whole)).value.value[3][:8] == message[3]


@pytest.mark.parametrize(
    ("networks", "client", "fault"),
    [
        ([ip_network("2001:db8::/64")], "2001:db8::9", None),
        ([ip_network("2001:db8::/64")], "2001:db8:0:1::9", TokenFault.WRONG_CLIENT),
        (["2001:db8::/64"], "2001:db8::9", None),
        ([ip_address("203.0.113.7")], "203.0.113.7", None),
        ([ip_address("203.0.113.7")], "::ffff:203.0.113.7", None),
        ([ip_address("203.0.113.7")], "203.0.113.8", TokenFault.WRONG_CLIENT),
        (["10.0.0.0/8", ip_network("2001:db8::/64")], "2001:db8::9", None),
        (["0.0.0.0/0"], "2001:db8::9", TokenFault.WRONG_CLIENT),
    ],
)
def test_networks_are_kept(networks: list[Any], client: str, fault: TokenFault | None) -> None:
    assert verdict({CATNIP: networks}, client_ip=client) is fault


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({}, None),
        ({EXP: 1000}, TokenFault.EXPIRED),
        ({EXP: None}, TokenFault.MALFORMED),
        ({5: 1001}, TokenFault.NOT_YET_VALID),
        ({GEO: ["FR", "DE"]}, None),
        ({GEO: "DE"}, None),
        ({GEO: ["FR"]}, TokenFault.WRONG_COUNTRY),
        ({GEO: ["DE-BY"]}, TokenFault.UNSUPPORTED),
        ({GEO: []}, TokenFault.UNSUPPORTED),
        ({CATNIP: [64496]}, TokenFault.UNSUPPORTED),
        ({CATNIP: ["nowhere"]}, TokenFault.MALFORMED),
        ({CATM: ["GET", "HEAD"]}, None),
        ({CATM: ["POST"]}, TokenFault.WRONG_METHOD),
        ({CATU: {0: {0: "https"}, 1: {2: ".example"}, 2: {0: 443}}}, None),
        ({CATU: {3: {1: "/films/a/"}, 8: {0: ".ts"}}}, None),
        ({CATU: {3: {1: "/films/b/"}}}, TokenFault.WRONG_PATH),
        ({CATU: {3: {4: r"/films/[a-z]/[0-9]\.ts"}}}, None),
        ({CATU: {3: {4: [r"/films/[a-z]/[0-9]\.ts"]}}}, None),
        ({CATU: {3: {4: ["(a)", "b"]}}}, TokenFault.UNSUPPORTED),
        ({CATU: {3: {4: "(a+)+"}}}, TokenFault.UNSUPPORTED),
        ({CATU: {3: {-1: bytes(32)}}}, TokenFault.WRONG_PATH),
        ({CATU: {3: {-1: "text"}}}, TokenFault.UNSUPPORTED),
        ({CATU: {9: {0: ""}}}, TokenFault.UNSUPPORTED),
        ({CATU: {3: {9: ""}}}, TokenFault.UNSUPPORTED),
        ({CATU: {-1: {0: URL}}}, TokenFault.UNSUPPORTED),
        ({CATU: {3: "/films"}}, TokenFault.MALFORMED),
        ({3: ["us"]}, None),
        ({3: "others"}, TokenFault.WRONG_PARTY),
        ({310: 1}, None),
        ({310: 2}, TokenFault.UNSUPPORTED),
        ({308: 0}, None),
        ({308: 1}, TokenFault.UNSUPPORTED),
        ({323: {0: 2, 1: 70}}, None),
        ({321: {}}, TokenFault.UNSUPPORTED),
        ({999: 1}, TokenFault.UNSUPPORTED),
        ({"private": 1}, None),
        ({7: "text"}, TokenFault.MALFORMED),
    ],
)
def test_claims_are_kept_or_refused(more: dict[Any, Any], fault: TokenFault | None) -> None:
    assert verdict(more) is fault


def test_an_id_becomes_the_session() -> None:
    assert OURS.open(make_cat({EXP: 2000, 7: b"\x0b\x71"})).session == "0b71"


def test_both_structures_may_come_without_the_tag_of_a_web_token() -> None:
    assert OURS.open(make_cat({EXP: 2000}, is_cwt=False)).expires_at == 2000


def test_a_header_never_chooses_the_algorithm() -> None:
    for alg in (4, 6, -7, None, "HS256"):
        assert fault_of(make_cat({EXP: 2000}, protected={1: alg})) is TokenFault.BAD_SIGNATURE
    assert fault_of(make_cat({EXP: 2000}, tag=18)) is TokenFault.BAD_SIGNATURE
    assert fault_of(make_cat({EXP: 2000}, protected={1: 5, 2: [1]})) is TokenFault.BAD_SIGNATURE
    forged = make_cat({EXP: 2000}, unprotected={4: b"AsymmetricECDSA256"})
    assert fault_of(forged, PUBLISHED) is TokenFault.BAD_SIGNATURE


def test_a_key_is_found_by_its_id_or_because_it_is_the_only_one() -> None:
    assert OURS.open(make_cat({EXP: 2000}, unprotected={})).key_id == "c1"
    assert fault_of(make_cat({EXP: 2000}, unprotected={4: b"c2"})) is TokenFault.UNKNOWN_KEY
    assert fault_of(make_cat({EXP: 2000}, unprotected={4: "c1"})) is TokenFault.UNKNOWN_KEY
    assert fault_of(make_cat({EXP: 2000}, bytes(32))) is TokenFault.BAD_SIGNATURE


def test_edwards_curves_verify() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    verifier = Verifier([Key("e", CAT, EDDSA, private.public_key())])
    head, payload = cbor2.dumps({1: -8}), cbor2.dumps({EXP: 2000})
    signature = private.sign(cbor2.dumps(["Signature1", head, b"", payload]))
    for cut, fault in ((64, None), (63, TokenFault.BAD_SIGNATURE)):
        body = [head, {4: b"e"}, payload, signature[:cut]]
        token = base64url(cbor2.dumps(cbor2.CBORTag(18, body)))
        if fault is None:
            assert verifier.open(token).expires_at == 2000
        else:
            assert fault_of(token, verifier) is fault


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xa1\x04",
        cbor2.dumps([1]),
        b"\xa2\x04\x01\x04\x02",
        b"\xbf\x04\x01\xff",
        b"\xa1\x04\xc1\x1a\x51\x4b\x67\xb0",
        b"\xa1\x04\xc2\x41\x01",
        b"\x81" * 40 + b"\x01",
    ],
    ids=["empty", "cut", "list", "twice", "endless", "date", "big", "deep"],
)
def test_well_signed_nonsense_is_malformed(payload: bytes) -> None:
    assert fault_of(make_cat(payload)) is TokenFault.MALFORMED
