"""Cache-Status members: the words of RFC 9211 for what an edge did."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.cache_status import Forward, append_cache_status, format_cache_status
from cdnkit.structured import Token, parse_list
from cdnkit.wire import MissClass, Outcome


@pytest.mark.parametrize(
    ("outcome", "arguments", "member"),
    [
        (Outcome.HIT, {"ttl_seconds": 376}, "e1; hit; ttl=376"),
        (Outcome.HIT, {"forward_status": 200, "stored": True}, "e1; hit"),
        (Outcome.STALE, {"ttl_seconds": -5}, "e1; hit; ttl=-5"),
        (Outcome.STALE, {"forward_status": 503}, "e1; fwd=stale; fwd-status=503"),
        (Outcome.REVALIDATED, {"forward_status": 304}, "e1; fwd=stale; fwd-status=304"),
        (Outcome.PARTIAL, {"collapsed": True}, "e1; fwd=partial; collapsed"),
        (Outcome.PASS, {}, "e1; fwd=bypass"),
        (Outcome.PASS, {"forward": Forward.METHOD}, "e1; fwd=method"),
        (Outcome.ERROR, {"detail": "no route"}, 'e1; fwd=miss; detail="no route"'),
        (
            Outcome.MISS,
            {"miss_class": MissClass.COLD, "forward_status": 206, "stored": True},
            "e1; fwd=uri-miss; fwd-status=206; stored; detail=cold",
        ),
        (Outcome.MISS, {"miss_class": MissClass.EXPIRED}, "e1; fwd=stale; detail=expired"),
        (Outcome.MISS, {"miss_class": MissClass.COLD, "detail": "x"}, "e1; fwd=uri-miss; detail=x"),
        (Outcome.HIT, {"key": 'a"b\\'}, 'e1; hit; key="a\\"b\\\\"'),
    ],
)
def test_member_says_what_happened(
    outcome: Outcome, arguments: dict[str, Any], member: str
) -> None:
    assert format_cache_status("e1", outcome, **arguments) == member


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("miss_class", [None, *MissClass])
def test_every_outcome_but_our_own_is_either_hit_or_forwarded(
    outcome: Outcome, miss_class: MissClass | None
) -> None:
    members = parse_list(format_cache_status("e1", outcome, miss_class=miss_class))
    assert members is not None
    name, parameters = members[0]
    assert name == Token("e1")
    assert ("hit" in parameters) + ("fwd" in parameters) == (outcome is not Outcome.OWN)


def test_our_member_comes_after_those_nearer_to_the_origin() -> None:
    assert append_cache_status("shield-1; hit", "e1; fwd=uri-miss") == (
        "shield-1; hit, e1; fwd=uri-miss"
    )


@pytest.mark.parametrize("upstream", [None, "", 'shield; detail="open', "&&&", "a,", "é"])
def test_unreadable_upstream_field_does_not_hide_ours(upstream: str | None) -> None:
    assert append_cache_status(upstream, "e1; hit") == "e1; hit"


@given(st.text(), st.text(), st.text(), st.text(), st.sampled_from(Outcome))
def test_any_names_make_a_readable_list_that_ends_with_ours(
    upstream: str, cache: str, key: str, detail: str, outcome: Outcome
) -> None:
    ours = format_cache_status(cache, outcome, key=key, detail=detail, ttl_seconds=1)
    members = parse_list(append_cache_status(upstream, ours))
    assert members is not None
    parameters = members[-1][1]
    assert parameters["ttl"] == 1
    assert {"key", "detail"} <= parameters.keys()
