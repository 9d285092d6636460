"""An access token is good for its session, its time and its version, and nothing else is one."""

from __future__ import annotations

import dataclasses
import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import UnavailableError
from cdnkit.service.viewers import Role
from origin.domains.accounts import gate
from origin.domains.accounts.gate import ENDED, Gate
from origin.domains.accounts.records import Account, Profile, Revocation, Session, SigningKey

NOW = 1_800_000_000.0
ACCOUNT = Account("anna", "a@b.c", "a@b.c", "", Role.OPERATOR, "de", False, NOW)
SESSION = Session("sid", "anna", "tv", NOW, NOW, NOW + 100, "", "", NOW)


def key(name: str, signs_from: float) -> SigningKey:
    return SigningKey(name, name.encode() * 32, signs_from, signs_from)


def opened(*keys: SigningKey) -> Gate:
    made = Gate(900.0)
    made.use_keys(keys or (key("a", 0.0),))
    return made


def test_token_carries_account_session_role_and_profile() -> None:
    kid = Profile("kid", "anna", "Kim", age_max=6)
    made = opened()
    viewer = made.read(made.sign(ACCOUNT, SESSION, kid, NOW), NOW)
    assert viewer is not None
    assert (viewer.account, viewer.session, viewer.role) == ("anna", "sid", Role.OPERATOR)
    assert (viewer.profile, viewer.age_max, viewer.language) == ("kid", 6, "de")
    plain = made.read(made.sign(ACCOUNT, SESSION, None, NOW), NOW)
    assert plain is not None
    assert (plain.profile, plain.age_max) == ("", 0)


def test_token_is_good_up_to_its_end() -> None:
    made = opened()
    token = made.sign(ACCOUNT, SESSION, None, NOW)
    assert made.read(token, NOW + 899.9)
    assert made.read(token, NOW + 900) is None


def test_ended_session_is_refused_and_a_renewed_one_needs_a_new_token() -> None:
    made = opened()
    token = made.sign(ACCOUNT, SESSION, None, NOW)
    made.revoke([Revocation(1, "sid", 1, NOW + 960)], NOW)
    assert made.read(token, NOW) is None
    renewed = dataclasses.replace(SESSION, version=1)
    token = made.sign(ACCOUNT, renewed, None, NOW)
    assert made.read(token, NOW)
    made.revoke([Revocation(2, "sid", ENDED, NOW + 960), Revocation(1, "sid", 1, NOW + 999)], NOW)
    assert made.read(token, NOW) is None
    assert made.last_number == 0, "what we revoked ourselves says nothing about others"
    made.advance([Revocation(2, "sid", ENDED, NOW + 960)], NOW)
    assert made.last_number == 2


def test_youngest_begun_key_signs_and_all_verify() -> None:
    old, young = key("a", 0.0), key("b", NOW + 60)
    made = opened(old, young)
    token = made.sign(ACCOUNT, SESSION, None, NOW)
    later = made.sign(ACCOUNT, SESSION, None, NOW + 60)
    assert [jwt.get_unverified_header(each)["kid"] for each in (token, later)] == ["a", "b"]
    assert made.read(token, NOW + 60)
    assert made.read(later, NOW + 60)
    made.use_keys([young])
    assert made.read(token, NOW + 60) is None
    with pytest.raises(UnavailableError):
        opened(young).sign(ACCOUNT, SESSION, None, NOW)


def test_key_goes_when_its_last_token_has_expired() -> None:
    keys = [key("b", 1000.0), key("a", 0.0)]
    assert gate.outlived(keys, 1000.0 + 2 * 900 - 1, 900.0) == []
    assert gate.outlived(keys, 1000.0 + 2 * 900, 900.0) == ["a"]
    assert not gate.is_due(keys, 1099.0, 100.0)
    assert gate.is_due(keys, 1100.0, 100.0)
    assert gate.is_due([], 0.0, 100.0)


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_tokens_of_other_makers_are_refused() -> None:
    made = opened()
    claims = {"sub": "anna", "sid": "sid", "role": "admin", "prf": "", "age": 99, "lng": "",
              "ver": 0, "exp": int(NOW) + 900}  # fmt: skip
    right = b"a" * 32
    strangers = [
        jwt.encode(claims, b"b" * 32, "HS256", headers={"kid": "a"}),
        jwt.encode(claims, right, "HS256", headers={"kid": "c"}),
        jwt.encode(claims, right, "HS256"),
        jwt.encode(claims, b"a" * 64, "HS512", headers={"kid": "a"}),
        f"{part({'alg': 'none', 'kid': 'a'})}.{part(claims)}.",
        jwt.encode({**claims, "exp": None}, right, "HS256", headers={"kid": "a"}),
        jwt.encode({**claims, "age": "99"}, right, "HS256", headers={"kid": "a"}),
        jwt.encode(claims, right, "HS256", headers={"kid": "a"})[:-1],
    ]
    assert [made.read(each, NOW) for each in strangers] == [None] * len(strangers)
    assert made.read(jwt.encode(claims, right, "HS256", headers={"kid": "a"}), NOW)


@given(st.text(max_size=300) | st.text("abcAB01-_.=", max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    assert opened().read(text, NOW) is None
    assert opened().read(f"{part({'alg': 'HS256', 'kid': 'a'})}.{text}.x", NOW) is None


def test_token_that_was_read_before_is_judged_anew_by_time_session_and_keys() -> None:
    made = opened(key("a", 0.0))
    token = made.sign(ACCOUNT, SESSION, None, NOW)
    assert made.read(token, NOW) == made.read(token, NOW)
    made.use_keys([key("a", 0.0)])
    assert made.read(token, NOW + 900) is None
    assert made.read(token, NOW)
    made.use_keys([key("b", 0.0)])
    assert made.read(token, NOW) is None
    made.use_keys([key("a", 0.0)])
    assert made.read(token, NOW)
    made.revoke([Revocation(1, "sid", 1, NOW + 960)], NOW)
    assert made.read(token, NOW) is None


def test_text_that_is_no_token_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REMEMBERED_MAX", 1)
    made = opened()
    token = made.sign(ACCOUNT, SESSION, None, NOW)
    assert made.read(token, NOW)
    tampered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    assert made.read(tampered, NOW) is None
    verified: list[object] = []
    monkeypatch.setattr(made, "_claims", verified.append)
    assert made.read(token, NOW)
    assert verified == []
