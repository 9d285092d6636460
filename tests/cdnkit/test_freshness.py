"""RFC 9111 as vectors, and the laws that hold for any response."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.cache_control import NOTHING_SAID, SECONDS_MAX
from cdnkit.fields import FieldLines
from cdnkit.freshness import (
    CDN,
    HEURISTIC_STATUSES,
    RFC,
    UNDERSTOOD_STATUSES,
    LifetimeSource,
    State,
    Storability,
    assess,
    judge,
    request_directives,
    storability,
    variant_key,
    vary_names,
    withheld_fields,
)
from tests.helpers.vectors import case_id, load_vectors

NOW = 1_700_000_000
POLICIES = {"rfc": RFC, "cdn": CDN}

DIRECTIVES = st.lists(
    st.sampled_from(
        [
            "max-age=60",
            "s-maxage=30",
            "stale-while-revalidate=20",
            "stale-if-error=90",
            "must-revalidate",
            "no-cache",
            "public",
            "no-store",
            'x="',
        ]
    )
).map(", ".join)
LINES = st.lists(
    st.tuples(
        st.sampled_from(
            [b"cache-control", b"cdn-cache-control", b"expires", b"date", b"age", b"vary", b"etag"]
        ),
        st.binary(max_size=30) | DIRECTIVES.map(str.encode),
    ),
    max_size=6,
)
STATUSES = st.integers(min_value=100, max_value=599)


def fields(lines: list[str]) -> FieldLines:
    pairs = (line.split(": ", 1) for line in lines)
    return FieldLines((name.encode(), value.encode("latin-1")) for name, value in pairs)


@pytest.mark.parametrize("case", load_vectors("freshness", "storability"), ids=case_id)
def test_response_is_stored_as_the_vector_says(case: dict[str, Any]) -> None:
    answer = storability(
        case.get("method", "GET"),
        case.get("status", 200),
        fields(case.get("request", [])),
        fields(case["response"]),
        POLICIES[case.get("policy", "rfc")],
    )
    assert answer is Storability(case["answer"])


@pytest.mark.parametrize("case", load_vectors("freshness", "lifetime"), ids=case_id)
def test_lifetime_is_what_the_vector_says(case: dict[str, Any]) -> None:
    found = assess(case.get("status", 200), fields(case["response"]), NOW, NOW, RFC)
    assert (found.lifetime_seconds, found.source) == (
        case["seconds"],
        LifetimeSource(case["source"]),
    )


@pytest.mark.parametrize("case", load_vectors("freshness", "age"), ids=case_id)
def test_age_on_arrival_is_what_the_vector_says(case: dict[str, Any]) -> None:
    requested_at = NOW - case.get("delay", 0)
    found = assess(200, fields(case["response"]), requested_at, NOW, RFC)
    assert found.age_seconds(NOW) == case["seconds"]


@pytest.mark.parametrize("case", load_vectors("freshness", "judge"), ids=case_id)
def test_state_is_what_the_vector_says(case: dict[str, Any]) -> None:
    found = assess(case.get("status", 200), fields(case["response"]), NOW, NOW, RFC)
    wishes = request_directives(fields(case.get("request", [])))
    judgement = judge(found, NOW + case["after"], wishes)
    assert judgement.state is State(case["state"])
    assert judgement.ttl_seconds == case["ttl"]
    assert judgement.usable_on_error is case["on_error"]


@pytest.mark.parametrize("case", load_vectors("freshness", "variant"), ids=case_id)
def test_variants_are_told_apart_as_the_vector_says(case: dict[str, Any]) -> None:
    names = vary_names(fields(case["vary"]))
    assert names is not None
    keys = [variant_key(names, fields(case[which])) for which in ("one", "other")]
    assert (keys[0] == keys[1]) is case["same"]


def test_without_vary_there_is_one_variant() -> None:
    assert vary_names(fields([])) == ()
    assert variant_key((), fields(["foo: 1"])) == b""


def test_order_and_case_of_vary_do_not_make_another_key() -> None:
    assert vary_names(fields(["vary: B, a", "vary: ,b"])) == (b"a", b"b")


def test_age_grows_with_time_and_is_reset_by_a_new_assessment() -> None:
    old = assess(200, fields(["cache-control: max-age=60", "age: 50"]), NOW, NOW, RFC)
    assert old.age_seconds(NOW + 7.9) == 57
    validated = assess(200, fields(["cache-control: max-age=60"]), NOW + 20, NOW + 20, RFC)
    assert validated.age_seconds(NOW + 20) == 0


def test_age_never_leaves_its_bounds() -> None:
    found = assess(200, fields(["age: 2147483648"]), NOW, NOW, RFC)
    assert found.age_seconds(NOW + 10**9) == SECONDS_MAX
    assert found.age_seconds(NOW - 10**10) == 0


def test_fraction_of_a_second_does_not_age_a_response_of_this_second() -> None:
    response = fields(["date: Tue, 14 Nov 2023 22:13:20 GMT", "cache-control: max-age=1"])
    found = assess(200, response, NOW + 0.9, NOW + 0.9, RFC)
    assert found.fresh_until == NOW + 1.9


def test_unasked_stale_answers_are_a_switch_and_told_ones_are_not() -> None:
    strict = replace(RFC, stale_when_origin_fails=False)
    untold = assess(200, fields(["cache-control: max-age=1"]), NOW, NOW, strict)
    assert not judge(untold, NOW + 2).usable_on_error
    told = assess(200, fields(["cache-control: max-age=1, stale-if-error=9"]), NOW, NOW, strict)
    assert judge(told, NOW + 2).usable_on_error


def test_heuristic_is_a_switch() -> None:
    response = fields(["last-modified: Mon, 13 Nov 2023 22:13:20 GMT"])
    found = assess(200, response, NOW, NOW, replace(RFC, heuristic=False))
    assert found.source is LifetimeSource.NONE


def test_always_validated_response_is_at_no_moment_fresh() -> None:
    found = assess(200, fields(["cache-control: no-cache, max-age=60"]), NOW, NOW, RFC)
    assert found.fresh_until == -math.inf


def test_withheld_fields_come_from_the_governing_field() -> None:
    response = fields(['cache-control: no-cache="a"', 'cdn-cache-control: private="b"'])
    assert withheld_fields(response, CDN) == {b"b"}
    assert withheld_fields(response, replace(CDN, targeted=())) == {b"a"}


def test_heuristic_statuses_are_understood() -> None:
    assert HEURISTIC_STATUSES < UNDERSTOOD_STATUSES
    assert not UNDERSTOOD_STATUSES & {304, 299, 499, 599}


@given(STATUSES, LINES, LINES, st.sampled_from(["GET", "HEAD", "POST", "M-SEARCH"]))
def test_any_fields_get_an_answer(
    status: int,
    request: list[tuple[bytes, bytes]],
    response: list[tuple[bytes, bytes]],
    method: str,
) -> None:
    for policy in POLICIES.values():
        answer = storability(method, status, FieldLines(request), FieldLines(response), policy)
        found = assess(status, FieldLines(response), NOW - 1, NOW, policy)
        assert 0 <= found.lifetime_seconds <= SECONDS_MAX
        assert found.born_at <= NOW - 1
        assert answer is not Storability.STORE or method in ("GET", "POST")


@given(LINES, STATUSES, st.floats(min_value=0, max_value=300))
def test_state_holds_until_it_says_and_not_longer(
    response: list[tuple[bytes, bytes]], status: int, after: float
) -> None:
    found = assess(status, FieldLines(response), NOW, NOW, CDN)
    judgement = judge(found, NOW + after)
    assert judgement.holds_until > NOW + after
    if judgement.holds_until < math.inf:
        assert judge(found, judgement.holds_until).state is not judgement.state
        before = math.nextafter(judgement.holds_until, 0)
        assert judge(found, before).state is judgement.state


@given(LINES, LINES, st.floats(min_value=0, max_value=300))
def test_request_directives_never_unlock_what_the_origin_locked(
    response: list[tuple[bytes, bytes]], request: list[tuple[bytes, bytes]], after: float
) -> None:
    found = assess(200, FieldLines(response), NOW, NOW, RFC)
    unasked = judge(found, NOW + after, NOTHING_SAID)
    asked = judge(found, NOW + after, request_directives(FieldLines(request)))
    if unasked.state is State.MUST_REVALIDATE:
        assert asked.state in (State.MUST_REVALIDATE, State.STALE)
        assert not asked.usable_on_error


@given(st.dictionaries(st.sampled_from([b"a", b"b", b"accept-language"]), st.binary(max_size=9)))
def test_variant_key_is_the_same_for_the_same_request(request: dict[bytes, bytes]) -> None:
    names = (b"a", b"accept-language", b"b")
    pairs = list(request.items())
    assert variant_key(names, FieldLines(pairs)) == variant_key(names, FieldLines(pairs[::-1]))
