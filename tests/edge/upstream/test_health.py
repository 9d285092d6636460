from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.upstream.health import (
    ASIDE_SECONDS,
    ASIDE_SECONDS_MAX,
    TRIAL_SECONDS_MAX,
    Health,
    State,
)


def test_one_that_failed_rests_and_then_one_request_tries_it() -> None:
    health = Health()
    health.failed(100.0)
    assert not health.may_ask(100.0 + ASIDE_SECONDS - 0.1)
    assert health.may_ask(100.0 + ASIDE_SECONDS)
    assert health.state is State.TRIAL
    assert not health.may_ask(100.0 + ASIDE_SECONDS)
    health.answered()
    assert health.may_ask(100.0 + ASIDE_SECONDS)


def test_each_failed_trial_doubles_the_rest_up_to_a_limit() -> None:
    health, now, rests = Health(), 0.0, []
    for _ in range(6):
        health.failed(now)
        began = now
        while not health.may_ask(now):
            now += 0.5
        rests.append(now - began)
    assert rests == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    health.answered()
    health.failed(now)
    assert health.may_ask(now + ASIDE_SECONDS)


def test_failures_of_requests_on_their_way_at_the_same_time_count_once() -> None:
    health = Health()
    for _ in range(50):
        health.failed(100.0)
    assert health.may_ask(100.0 + ASIDE_SECONDS)


def test_retry_after_lengthens_the_rest_within_bounds() -> None:
    health = Health()
    health.failed(0.0, rest_seconds=30.0)
    assert not health.may_ask(29.0)
    assert health.may_ask(30.0)
    health.answered()
    health.failed(0.0, rest_seconds=86400.0)
    assert health.may_ask(ASIDE_SECONDS_MAX)


def test_a_trial_that_nobody_reported_on_is_made_again() -> None:
    health = Health()
    health.failed(0.0)
    assert health.may_ask(ASIDE_SECONDS)
    assert not health.may_ask(ASIDE_SECONDS + TRIAL_SECONDS_MAX - 1)
    assert health.may_ask(ASIDE_SECONDS + TRIAL_SECONDS_MAX)


@given(st.lists(st.tuples(st.sampled_from(["ask", "ok", "bad"]), st.floats(0, 30)), max_size=60))
def test_none_is_set_aside_for_longer_than_the_limit(events: list[tuple[str, float]]) -> None:
    health, now = Health(), 0.0
    for event, passed in events:
        now += passed
        if event == "ask":
            health.may_ask(now)
        elif event == "ok":
            health.answered()
            assert health.may_ask(now)
        else:
            health.failed(now)
            assert not health.may_ask(now)
    assert health.may_ask(now + max(ASIDE_SECONDS_MAX, TRIAL_SECONDS_MAX))
