"""One door: the dialect shows in the shape, keys stay in their dialect, nothing but claims comes
out or TokenError, and keys rotate without a refused token."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.tokens import Claims, TokenError, TokenFault, sign
from cdnkit.tokens.keys import HS256, NATIVE, Key
from cdnkit.tokens.verifier import Verifier
from tests.cdnkit.tokens.made import (
    SECRET,
    base64url,
    cat_key,
    jwt_key,
    make_cat,
    make_jwt,
    seal,
    sealing_key,
)

NATIVE_KEY = Key("n1", NATIVE, HS256, SECRET)
KEYS = [NATIVE_KEY, jwt_key(), sealing_key(), cat_key()]
ALL = Verifier(KEYS)
OURS = sign(Claims("n1", "/films/a/", 2000), {"n1": SECRET})
ONE_OF_EACH = (OURS, make_jwt({"exp": 2000}), make_cat({4: 2000}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
JWT_NAMES = st.sampled_from(["exp", "nbf", "aud", "iss", "cdniv", "cdnicrit", "cdniuc", "cdniip"])
CAT_NAMES = st.sampled_from([1, 3, 4, 5, 7, 308, 310, 311, 312, 313, 316, 999, "x"])
CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**40) | st.floats() | st.text(max_size=9)
    | st.binary(max_size=9) | st.ip_addresses(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.integers(-2, 9), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def fault_of(token: str, verifier: Verifier = ALL) -> TokenFault:
    with pytest.raises(TokenError) as refused:
        verifier.open(token)
    return refused.value.reason


def opens_or_refuses(token: str) -> None:
    try:
        claims = ALL.open(token)
    except TokenError:
        return
    assert isinstance(claims, Claims)


@pytest.mark.parametrize("token", ONE_OF_EACH)
def test_each_dialect_is_known_by_its_shape(token: str) -> None:
    for _ in range(2):
        assert ALL.open(token).expires_at == 2000


@given(st.text(max_size=90) | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,4}"))
def test_any_text_is_refused_with_a_token_error(token: str) -> None:
    with pytest.raises(TokenError):
        ALL.open(token)


@given(st.dictionaries(JWT_NAMES, JSON))
def test_any_well_signed_jwt_gives_claims_or_a_token_error(claims: dict[str, object]) -> None:
    opens_or_refuses(make_jwt({"exp": 2000, **claims}))


@given(st.text(max_size=20))
def test_any_sealed_address_gives_claims_or_a_token_error(text: str) -> None:
    opens_or_refuses(make_jwt({"exp": 2000, "cdniip": seal(text)}))


@given(st.dictionaries(CAT_NAMES, CBOR))
def test_any_well_signed_cat_gives_claims_or_a_token_error(claims: dict[object, object]) -> None:
    opens_or_refuses(make_cat({4: 2000, **claims}))


@given(st.binary(max_size=60))
def test_any_bytes_are_no_cat(data: bytes) -> None:
    with pytest.raises(TokenError):
        ALL.open(base64url(data))


@given(st.lists(CBOR, max_size=5), st.sampled_from([17, 18, 61, 99]))
def test_any_structure_that_is_not_ours_is_refused(body: list[object], tag: int) -> None:
    with pytest.raises(TokenError):
        ALL.open(base64url(cbor2.dumps(cbor2.CBORTag(tag, body))))


@pytest.mark.parametrize("token", ONE_OF_EACH)
@given(data=st.data())
def test_a_changed_character_never_changes_the_claims(token: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(min_value=0, max_value=len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))
    changed = token[:at] + other + token[at + 1 :]
    try:
        # Several texts may mean the same signature, and then the claims are the same.
        assert ALL.open(changed) == ALL.open(token)
    except TokenError:
        pass


def test_a_key_is_good_in_its_own_dialect_only() -> None:
    for token, keys in zip(ONE_OF_EACH, ([KEYS[1], KEYS[3]], [KEYS[0]], KEYS[:3]), strict=True):
        assert fault_of(token, Verifier(keys)) is TokenFault.UNKNOWN_KEY
    named = make_jwt({"exp": 2000}, kid="n1")
    assert fault_of(named) is TokenFault.UNKNOWN_KEY
    assert fault_of(make_jwt({"exp": 2000}, kid="s1")) is TokenFault.UNKNOWN_KEY


def test_keys_rotate_without_a_refused_token() -> None:
    """A new key is listed behind the old one, then before it, and the old one leaves at last."""
    new = Key("n2", NATIVE, HS256, b"another secret of these tests")
    claims = Claims("n1", "/", 2000)
    old_token = sign(claims, {"n1": SECRET})
    new_token = sign(Claims("n2", "/", 2000), {"n2": b"another secret of these tests"})
    assert Verifier([NATIVE_KEY, new]).open(old_token) == claims
    both = Verifier([new, NATIVE_KEY])
    assert both.open(old_token) == claims
    assert both.open(new_token).key_id == "n2"
    assert fault_of(old_token, Verifier([new])) is TokenFault.UNKNOWN_KEY


def test_no_more_tokens_are_remembered_than_asked_for() -> None:
    verifier = Verifier(KEYS, remembered=2)
    for number in range(3):
        token = sign(Claims("n1", f"/films/{number}/", 2000), {"n1": SECRET})
        assert verifier.open(token).path_prefix == f"/films/{number}/"
    assert verifier.open(ONE_OF_EACH[0]).expires_at == 2000


def test_a_token_beyond_the_bound_is_malformed() -> None:
    assert fault_of(make_jwt({"exp": 2000, "x": "a" * 2048})) is TokenFault.MALFORMED
