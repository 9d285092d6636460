"""Our own dialect: the exact format, every refusal, and that no forged token passes."""

from __future__ import annotations

import hmac
import json
import string
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError, ForbiddenError
from cdnkit.tokens import (
    TOKEN_LENGTH_MAX,
    Claims,
    TokenError,
    TokenFault,
    open_token,
    sign,
    verify,
)
from tests.helpers.vectors import case_id, load_vectors

KEYS = {"k1": b"0123456789abcdef", "k-2": b"fedcba9876543210", "weak": b"short"}
SIMPLE = Claims("k1", "/films/a/", expires_at=2000)

PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
CLAIMS = st.builds(
    Claims,
    key_id=st.sampled_from(["k1", "k-2"]),
    path_prefix=st.text(alphabet=PRINTABLE, max_size=60).map(lambda text: "/" + text),
    expires_at=st.integers(min_value=1, max_value=2**53),
    not_before=st.integers(min_value=0, max_value=2**53),
    session=st.text(alphabet=PRINTABLE, max_size=40),
    client_prefix=st.just("")
    | st.ip_addresses().map(lambda address: f"{address}/{address.max_prefixlen}"),
    countries=st.lists(
        st.text(alphabet=string.ascii_uppercase, min_size=2, max_size=2), max_size=5
    ).map(tuple),
    bytes_per_second=st.integers(min_value=0, max_value=2**40),
    ends_streams=st.booleans(),
)


def claims_of(row: dict[str, Any]) -> Claims:
    return Claims(**{**row, "countries": tuple(row.get("countries", ()))})


def signed_by_hand(payload: bytes) -> str:
    signed = f"1.k1.{urlsafe_b64encode(payload).decode().rstrip('=')}"
    mac = hmac.digest(KEYS["k1"], signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(mac).decode().rstrip('=')}"


@pytest.mark.parametrize("case", load_vectors("tokens_native", "sign"), ids=case_id)
def test_token_text_is_the_recorded_one(case: dict[str, Any]) -> None:
    claims = claims_of(case["claims"])
    assert sign(claims, KEYS) == case["token"]
    assert open_token(case["token"], KEYS) == claims


@pytest.mark.parametrize("case", load_vectors("tokens_native", "refused"), ids=case_id)
def test_token_is_refused_as_the_vector_says(case: dict[str, Any]) -> None:
    with pytest.raises(TokenError) as refused:
        open_token(case["token"], KEYS)
    assert refused.value.reason is TokenFault(case["fault"])


@given(CLAIMS)
def test_signed_claims_come_back_and_fit_a_path_segment(claims: Claims) -> None:
    token = sign(claims, KEYS)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")
    assert open_token(token, KEYS) == claims


@given(CLAIMS, st.data())
def test_any_changed_character_is_refused(claims: Claims, data: st.DataObject) -> None:
    token = sign(claims, KEYS)
    at = data.draw(st.integers(min_value=0, max_value=len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))
    with pytest.raises(TokenError):
        open_token(token[:at] + other + token[at + 1 :], KEYS)


def test_every_other_last_character_is_refused() -> None:
    token = sign(SIMPLE, KEYS)
    for other in set(string.ascii_letters + string.digits + "-_") - {token[-1]}:
        with pytest.raises(TokenError) as refused:
            open_token(token[:-1] + other, KEYS)
        assert refused.value.reason is TokenFault.BAD_SIGNATURE


def test_a_token_is_bound_to_the_key_it_names() -> None:
    swapped = sign(SIMPLE, KEYS).replace("1.k1.", "1.k-2.", 1)
    with pytest.raises(TokenError) as refused:
        open_token(swapped, KEYS)
    assert refused.value.reason is TokenFault.BAD_SIGNATURE


@given(st.text(max_size=80), st.text(max_size=40))
def test_any_text_is_refused_with_a_token_error(token: str, path: str) -> None:
    with pytest.raises(TokenError):
        verify(token, path=path, now=0, keys=KEYS)


@given(st.binary(max_size=60))
def test_random_payload_is_malformed_however_well_signed(payload: bytes) -> None:
    with pytest.raises(TokenError) as refused:
        open_token(signed_by_hand(payload or b"{}"), KEYS)
    assert refused.value.reason is TokenFault.MALFORMED


@pytest.mark.parametrize(
    "row",
    [
        {},
        [],
        ["/"],
        ["/", 1, 0, "", "", "", 0, 0],
        ["/", 1, 0, "", "", "", 0, False, 0],
        ["/", 1, 0, "", "", "", 0, "yes"],
        ["films", 1],
        ["/", "1"],
        ["/", True],
        ["/", -1],
        ["/", 1.5],
        ["/", 1, None],
        ["/", 1, 0, 5],
        ["/", 1, 0, "", "nowhere"],
        ["/", 1, 0, "", 0],
        ["/", 1, 0, "", ["a"]],
        ["/", 1, 0, "", "", "DEU"],
        ["/", 1, 0, "", "", 5],
        ["/", 1, 0, "", "", "DE", "x"],
    ],
)
def test_well_signed_nonsense_is_malformed(row: object) -> None:
    with pytest.raises(TokenError) as refused:
        open_token(signed_by_hand(json.dumps(row).encode()), KEYS)
    assert refused.value.reason is TokenFault.MALFORMED


def test_deeply_nested_payload_is_malformed() -> None:
    with pytest.raises(TokenError) as refused:
        open_token(signed_by_hand(b"[" * 1400), KEYS)
    assert refused.value.reason is TokenFault.MALFORMED


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"key_id": "a.b"}, "key_id"),
        ({"path_prefix": "films"}, "path_prefix"),
        ({"path_prefix": "/é"}, "path_prefix"),
        ({"expires_at": -1}, "expires_at"),
        ({"not_before": 2**54}, "not_before"),
        ({"session": "a b"}, "session"),
        ({"client_prefix": "203.0.113.7"}, "client_prefix"),
        ({"client_prefix": "203.0.113.7/24"}, "client_prefix"),
        ({"countries": ("de",)}, "countries"),
        ({"bytes_per_second": -1}, "bytes_per_second"),
        ({"ends_streams": 1}, "ends_streams"),
        ({"methods": ("GET",)}, "networks, methods or rules"),
    ],
)
def test_claims_outside_their_grammar_are_not_signed(changes: dict[str, Any], claim: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        sign(replace(SIMPLE, **changes), KEYS)
    assert refused.value.extra["claim"] == claim


@pytest.mark.parametrize("key_id", ["k9", "weak"])
def test_nothing_is_signed_with_an_absent_or_short_key(key_id: str) -> None:
    with pytest.raises(TokenError) as refused:
        sign(replace(SIMPLE, key_id=key_id), KEYS)
    assert refused.value.reason is TokenFault.UNKNOWN_KEY


def test_length_is_limited_both_ways() -> None:
    with pytest.raises(BadRequestError):
        sign(replace(SIMPLE, path_prefix="/" + "a" * TOKEN_LENGTH_MAX), KEYS)
    with pytest.raises(TokenError) as refused:
        open_token(signed_by_hand(b'["/' + b"a" * TOKEN_LENGTH_MAX + b'",1]'), KEYS)
    assert refused.value.reason is TokenFault.MALFORMED


def test_refusal_is_a_403_that_tells_neither_token_nor_key() -> None:
    token = sign(SIMPLE, KEYS)[:-1] + "~"
    with pytest.raises(ForbiddenError) as refused:
        open_token(token, KEYS)
    told = f"{refused.value!r} {refused.value} {refused.value.extra} {refused.value.__dict__}"
    assert refused.value.status == 403
    assert refused.value.extra == {"reason": "malformed"}
    assert token not in told
    assert KEYS["k1"].decode() not in told
    assert refused.value.__cause__ is None


def test_verify_is_open_and_check() -> None:
    token = sign(SIMPLE, KEYS)
    assert verify(token, path="/films/a/x", now=1, keys=KEYS) == SIMPLE
    with pytest.raises(TokenError) as refused:
        verify(token, path="/films/b/x", now=1, keys=KEYS)
    assert refused.value.reason is TokenFault.WRONG_PATH
