"""Claims fit a request or say why not: time, path, network, country, and what others claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.tokens import Claims, TokenError, TokenFault, WrongCountryError, check_claims
from cdnkit.tokens.uris import Match, Part, Rule
from tests.helpers.vectors import case_id, load_vectors

SIMPLE = Claims("k1", "/films/a/", expires_at=2000)
HOST = Rule(Part.HOST, Match.EXACT, "cdn.example")


def refusal(claims: Claims, path: str = "/films/a/x", now: float = 1, **asked: Any) -> TokenFault:
    with pytest.raises(TokenError) as refused:
        check_claims(claims, path, now, **asked)
    return refused.value.reason


@pytest.mark.parametrize("case", load_vectors("token_claims", "check"), ids=case_id)
def test_claims_admit_what_the_vector_says(case: dict[str, Any]) -> None:
    row = {"key_id": "k1", "path_prefix": "/films/a/", "expires_at": 2000, **case.get("claims", {})}
    claims = Claims(**{**row, "countries": tuple(row.get("countries", ()))})
    request = (
        case.get("path", "/films/a/x.mp4"),
        case.get("now", 1000),
        case.get("client_ip"),
        case.get("country"),
    )
    if case["fault"] is None:
        check_claims(claims, *request)
        return
    with pytest.raises(TokenError) as refused:
        check_claims(claims, *request)
    assert refused.value.reason is TokenFault(case["fault"])


@given(
    st.text().map("/films/a/".__add__), st.floats(), st.none() | st.text(), st.none() | st.text()
)
def test_any_request_of_an_unknown_client_is_refused_with_a_token_error(
    path: str, now: float, client_ip: str | None, country: str | None
) -> None:
    claims = replace(SIMPLE, client_prefix="2001:db8::/32", countries=("DE",))
    with pytest.raises(TokenError):
        check_claims(claims, path, now, client_ip, country)


def test_a_moment_that_is_no_number_is_refused() -> None:
    assert refusal(SIMPLE, now=float("nan")) is TokenFault.EXPIRED


def test_a_wrong_country_is_a_451_of_its_own() -> None:
    claims = replace(SIMPLE, countries=("DE",))
    with pytest.raises(WrongCountryError) as refused:
        check_claims(claims, "/films/a/x", 1, country="US")
    assert (refused.value.status, refused.value.code) == (451, "wrong-country")


def test_who_knows_no_countries_leaves_them_to_others() -> None:
    check_claims(replace(SIMPLE, countries=("DE",)), "/films/a/x", 1, judges_country=False)


def test_one_of_several_networks_is_enough() -> None:
    claims = replace(SIMPLE, networks=("10.0.0.0/8", "2001:db8::/64"))
    check_claims(claims, "/films/a/x", 1, "2001:db8::7")
    assert refusal(claims, client_ip="2001:db8:0:1::7") is TokenFault.WRONG_CLIENT
    assert refusal(claims) is TokenFault.WRONG_CLIENT


def test_methods_are_kept() -> None:
    claims = replace(SIMPLE, methods=("HEAD",))
    check_claims(claims, "/films/a/x", 1, method="HEAD")
    assert refusal(claims) is TokenFault.WRONG_METHOD


def test_rules_for_the_url_are_kept_and_need_one() -> None:
    claims = replace(SIMPLE, rules=(HOST,))
    check_claims(claims, "/films/a/x", 1, url="https://cdn.example/films/a/x")
    assert refusal(claims, url="https://other.example/films/a/x") is TokenFault.WRONG_PATH
    assert refusal(claims) is TokenFault.WRONG_PATH
