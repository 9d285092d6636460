from __future__ import annotations

import pytest

from cdnkit.fields import FieldLines
from cdnkit.freshness import CDN, RFC, CachePolicy, Freshness, State, assess
from cdnkit.wire import MissClass
from edge.decision import Decision, Fetch, Revalidate, Serve, Unsatisfiable, decide, in_doubt

NOW = 1_800_000_000.0
ONLY_IF_CACHED = b"only-if-cached"


def _freshness(cache_control: bytes) -> Freshness:
    """Of an answer received now."""
    return assess(200, FieldLines([(b"cache-control", cache_control)]), NOW, NOW, RFC)


def _decide(
    stored: bytes | None, after_seconds: float, wish: bytes = b"", policy: CachePolicy = RFC
) -> Decision:
    request = FieldLines([(b"cache-control", wish)] if wish else [])
    freshness = None if stored is None else _freshness(stored)
    return decide(request, freshness, MissClass.EVICTED, NOW + after_seconds, policy)


def test_what_is_not_stored_is_fetched_with_the_reason_told() -> None:
    assert _decide(None, 0) == Fetch(MissClass.EVICTED)


@pytest.mark.parametrize(
    ("stored", "after_seconds", "refresh"),
    [
        (b"max-age=60", 0, False),
        (b"max-age=60", 59, False),
        (b"max-age=60, stale-while-revalidate=30", 59, False),
        (b"max-age=60, stale-while-revalidate=30", 60, True),
        (b"max-age=60, stale-while-revalidate=30", 89, True),
    ],
)
def test_what_may_be_used_is_served(stored: bytes, after_seconds: float, refresh: bool) -> None:
    decision = _decide(stored, after_seconds)
    assert isinstance(decision, Serve)
    assert decision.refresh is refresh


@pytest.mark.parametrize(
    ("stored", "after_seconds"),
    [
        (b"max-age=60", 60),
        (b"max-age=60, stale-while-revalidate=30", 90),
        (b"max-age=60, must-revalidate", 60),
        (b"no-cache", 0),
        (b"max-age=60, no-cache", 1),
    ],
)
def test_what_may_not_be_used_as_it_is_is_asked_about(stored: bytes, after_seconds: float) -> None:
    assert isinstance(_decide(stored, after_seconds), Revalidate)
    assert _decide(stored, after_seconds, ONLY_IF_CACHED) == Unsatisfiable()


def test_a_client_that_wants_only_what_is_stored_gets_that_or_nothing() -> None:
    assert _decide(None, 0, ONLY_IF_CACHED) == Unsatisfiable()
    assert isinstance(_decide(b"max-age=60", 1, ONLY_IF_CACHED), Serve)


def test_a_stale_answer_is_served_to_who_accepts_it() -> None:
    decision = _decide(b"max-age=60", 70, b"max-stale=20")
    assert isinstance(decision, Serve)
    assert decision.judgement.state is State.STALE_ACCEPTED
    assert not decision.refresh
    assert isinstance(_decide(b"max-age=60, must-revalidate", 70, b"max-stale"), Revalidate)


@pytest.mark.parametrize("wish", [b"no-cache", b"max-age=0", b"min-fresh=3600", ONLY_IF_CACHED])
def test_a_public_edge_does_not_let_clients_force_misses(wish: bytes) -> None:
    assert isinstance(_decide(b"max-age=60", 1, wish, CDN), Serve)
    assert _decide(None, 0, wish, CDN) == Fetch(MissClass.EVICTED)
    if wish != ONLY_IF_CACHED:
        assert isinstance(_decide(b"max-age=60", 1, wish, RFC), Revalidate)


@pytest.mark.parametrize("after_seconds", [-3600, 0, 30, 100])
@pytest.mark.parametrize("stored", [b"max-age=60", b"max-age=60, stale-while-revalidate=30"])
def test_what_is_in_doubt_is_asked_about_whatever_the_clock_says(
    stored: bytes, after_seconds: float
) -> None:
    now = NOW + after_seconds
    doubted = in_doubt(_freshness(stored), now)
    assert isinstance(decide(FieldLines([]), doubted, MissClass.COLD, now, CDN), Revalidate)
