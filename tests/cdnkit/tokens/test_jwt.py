"""URI signing: the RFC's own examples, what is refused, and that a header decides nothing."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWS

from cdnkit.tokens import Claims, TokenError, TokenFault, check_claims
from cdnkit.tokens.jwt import unseal
from cdnkit.tokens.keys import EDDSA, ES256, JWT, Key, decode_base64url
from cdnkit.tokens.verifier import Verifier
from tests.cdnkit.tokens.made import SECRET, jwt_key, make_jwt, seal, sealing_key
from tests.helpers.vectors import case_id, load_vectors

_X = "be807S4O7dzB6I4hTiCUvmxCI6FuxWba1xYBlLSSsZ8"
_Y = "rOGC4vI69g-WF9AGEVI37sNNwbjIzBxSjLvIL7f3RBA"
RFC_KEY = Key(
    "P5UpOv0eMq1wcxLf7WxIg09JdSYGYFDOWkldueaImf0",
    JWT,
    ES256,
    ec.EllipticCurvePublicNumbers(
        int.from_bytes(decode_base64url(_X)), int.from_bytes(decode_base64url(_Y)), ec.SECP256R1()
    ).public_key(),
)
RFC_SHARED = Key(
    "f-WbjxBC3dPuI3d24kP2hfvos7Qz688UTi6aB0hN998",
    JWT,
    "A128GCM",
    decode_base64url("4uFxxV7fhNmrtiah2d1fFg"),
)
RFC = Verifier([RFC_KEY, RFC_SHARED])
OURS = Verifier([jwt_key(audiences=("us",)), sealing_key()])
URL = "http://cdn.example/films/a/1.ts"


def fault_of(token: str, verifier: Verifier = OURS) -> TokenFault:
    with pytest.raises(TokenError) as refused:
        verifier.open(token)
    return refused.value.reason


def admit(claims: Claims, url: str = URL) -> None:
    path = "/" + url.split("/", 3)[3]
    check_claims(claims, path, 1000, "2001:db8::9", url=url)


@pytest.mark.parametrize("case", load_vectors("tokens_jwt", "read"), ids=case_id)
def test_examples_of_the_rfc_are_read(case: dict[str, Any]) -> None:
    claims = RFC.open(case["token"])
    assert claims.expires_at == case["expires_at"]
    admit(claims, case["admits"])
    with pytest.raises(TokenError):
        admit(claims, case["refuses"])


@pytest.mark.parametrize("case", load_vectors("tokens_jwt", "refused"), ids=case_id)
def test_what_cannot_be_kept_is_refused_after_the_signature(case: dict[str, Any]) -> None:
    assert fault_of(case["token"], RFC) is TokenFault(case["fault"])
    broken = case["token"][:-4] + "AAAA"
    assert fault_of(broken, RFC) is TokenFault.BAD_SIGNATURE


@pytest.mark.parametrize("case", load_vectors("tokens_jwt", "sealed"), ids=case_id)
def test_the_rfcs_encrypted_address_is_opened(case: dict[str, Any]) -> None:
    assert unseal(case["token"], lambda key_id: RFC_SHARED) == case["text"]


@pytest.mark.parametrize("case", load_vectors("tokens_jwt", "check"), ids=case_id)
def test_claims_are_kept_as_the_vector_says(case: dict[str, Any]) -> None:
    claims = {"exp": 2000, **case.get("claims", {})}
    if "seal" in case:
        claims["cdniip"] = seal(case["seal"])
    token = make_jwt(claims)
    if case["fault"] is None:
        admit(OURS.open(token))
        return
    with pytest.raises(TokenError) as refused:
        admit(OURS.open(token))
    assert refused.value.reason is TokenFault(case["fault"])


def test_a_header_never_chooses_the_algorithm() -> None:
    for alg in ("none", "HS512", "ES256", "hs256", ""):
        assert fault_of(make_jwt({"exp": 2000}, alg=alg)) is TokenFault.BAD_SIGNATURE
    assert fault_of(make_jwt({"exp": 2000}, alg=None)) is TokenFault.UNSUPPORTED
    unsigned = make_jwt({"exp": 2000}, alg="none").rpartition(".")[0] + "."
    assert fault_of(unsigned) is TokenFault.BAD_SIGNATURE


def test_a_public_key_is_no_shared_secret() -> None:
    assert not isinstance(RFC_KEY.material, bytes)
    pem = RFC_KEY.material.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    point = RFC_KEY.material.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for secret in (pem, point):
        forged = make_jwt({"exp": 2000}, secret, kid=RFC_KEY.id)
        assert fault_of(forged, RFC) is TokenFault.BAD_SIGNATURE


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"b64": False}, {"jku": "http://a/"}])
def test_a_header_that_asks_for_more_is_refused(header: dict[str, Any]) -> None:
    assert fault_of(make_jwt({"exp": 2000}, **header)) is TokenFault.UNSUPPORTED


def test_a_key_is_found_by_its_id_or_because_it_is_the_only_one() -> None:
    assert OURS.open(make_jwt({"exp": 2000}, kid=None)).key_id == "j1"
    assert fault_of(make_jwt({"exp": 2000}, kid="j2")) is TokenFault.UNKNOWN_KEY
    assert fault_of(make_jwt({"exp": 2000}, kid=5)) is TokenFault.MALFORMED
    both = Verifier([jwt_key(), jwt_key("j2", bytes(32))])
    assert fault_of(make_jwt({"exp": 2000}, kid=None), both) is TokenFault.UNKNOWN_KEY


def test_another_key_does_not_verify() -> None:
    assert fault_of(make_jwt({"exp": 2000}, bytes(32))) is TokenFault.BAD_SIGNATURE


def test_an_issuer_is_held_to() -> None:
    verifier = Verifier([jwt_key(issuer="studio")])
    assert verifier.open(make_jwt({"exp": 2000, "iss": "studio"})).expires_at == 2000
    assert fault_of(make_jwt({"exp": 2000}), verifier) is TokenFault.WRONG_PARTY


def test_edwards_curves_verify() -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    verifier = Verifier([Key("e", JWT, EDDSA, private.public_key())])
    token = PyJWS().encode(b'{"exp":2000}', private, "EdDSA", {"kid": "e"})
    assert verifier.open(token).expires_at == 2000
    assert fault_of(token[:-8] + "AAAAAAAA", verifier) is TokenFault.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ({"enc": "A256GCM"}, TokenFault.UNSUPPORTED),
        ({"alg": "RSA-OAEP"}, TokenFault.UNSUPPORTED),
        ({"zip": "DEF"}, TokenFault.UNSUPPORTED),
        ({"kid": "s2"}, TokenFault.UNKNOWN_KEY),
    ],
)
def test_an_address_is_sealed_in_one_way_only(header: dict[str, Any], fault: TokenFault) -> None:
    sealed = seal("[2001:db8::/64]", **header)
    assert fault_of(make_jwt({"exp": 2000, "cdniip": sealed})) is fault


def test_a_changed_address_is_refused() -> None:
    sealed = seal("[2001:db8::/64]")[:-4] + "AAAA"
    assert fault_of(make_jwt({"exp": 2000, "cdniip": sealed})) is TokenFault.BAD_SIGNATURE


@pytest.mark.parametrize("payload", ["[]", "5", "{", "", "[" * 900])
def test_well_signed_nonsense_is_malformed(payload: str) -> None:
    token = PyJWS().encode(payload.encode(), SECRET, "HS256", {"kid": "j1"})
    assert fault_of(token) is TokenFault.MALFORMED
