"""States, what they allow and entitle to, and who hears of a change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.domains.payments.plans import Plans
from origin.domains.payments.rules import (
    ALLOWED,
    LIVE,
    STATES,
    Action,
    Entitlement,
    NotNowError,
    Standing,
    State,
    Subscription,
    Terms,
    check_action,
    entitled_until,
    follow,
    format_money,
    is_entitled,
    kinds_told,
    payload_of,
    pick,
)
from tests.helpers.localstripe import PLANS

ALL = Plans(PLANS)
TERMS = Terms(grace_seconds=100.0, slack_seconds=10.0)


def standing(status: str = "active", **changes: object) -> Standing:
    made = Standing("sub_1", status, "si_1", "basic-eur", "eur", 1000.0, False, 1.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def row(state: State, **changes: object) -> Subscription:
    made = Subscription("anna", "cus_1", "sub_1", "basic", "eur", state, 1000.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_every_state_says_what_it_allows() -> None:
    assert set(ALLOWED) == set(State)
    assert set(STATES.values()) | {State.NONE} == set(State)


@pytest.mark.parametrize("action", Action)
def test_nobody_can_only_subscribe(action: Action) -> None:
    if action is Action.SUBSCRIBE:
        check_action(None, action)
        return
    with pytest.raises(NotNowError) as refused:
        check_action(None, action)
    assert refused.value.extra == {"state": "none"}


def test_whoever_has_a_subscription_cannot_begin_another() -> None:
    for state in (State.ACTIVE, State.TRIALING, State.PAST_DUE, State.INCOMPLETE, State.SUSPENDED):
        with pytest.raises(NotNowError):
            check_action(row(state), Action.SUBSCRIBE)
    check_action(row(State.CANCELED), Action.SUBSCRIBE)


def test_what_entitles_counts_before_what_is_newer() -> None:
    old, new = standing("active", id="a", created=1.0), standing("canceled", id="b", created=2.0)
    assert pick([new, old]) is old
    assert pick([standing("incomplete", created=9.0), new]) == standing("incomplete", created=9.0)
    newer = standing("active", id="c", created=3.0)
    assert pick([old, newer]) is newer
    assert pick([]) is None


@pytest.mark.parametrize(
    ("made", "until"),
    [
        (row(State.ACTIVE), 1010.0),
        (row(State.TRIALING), 1010.0),
        (row(State.ACTIVE, ending=True), 1000.0),
        (row(State.PAST_DUE, past_due_since=500.0), 600.0),
        (row(State.SUSPENDED), 0.0),
        (row(State.INCOMPLETE), 0.0),
        (row(State.CANCELED), 0.0),
        (row(State.NONE), 0.0),
    ],
)
def test_state_says_until_when_films_play(made: Subscription, until: float) -> None:
    assert entitled_until(made, TERMS) == until


def test_entitlement_is_over_at_its_end() -> None:
    made = Entitlement("basic", State.ACTIVE, 1000.0, 1, 720)
    assert is_entitled(made, 999.9)
    assert not is_entitled(made, 1000.0)


def test_grace_begins_once_and_ends_with_the_failure() -> None:
    first = follow(row(State.ACTIVE), standing("past_due"), ALL, 500.0)
    again = follow(first, standing("past_due"), ALL, 550.0)
    assert first.past_due_since == again.past_due_since == 500.0
    assert follow(again, standing("active"), ALL, 560.0).past_due_since is None


def test_plan_that_left_the_topology_keeps_its_name() -> None:
    assert follow(row(State.ACTIVE), standing(stripe_plan="gone"), ALL, 1.0).plan == "basic"
    assert follow(row(State.ACTIVE), standing(stripe_plan="premium-eur"), ALL, 1.0).plan == (
        "premium"
    )


def test_word_that_is_new_to_us_gives_nothing() -> None:
    assert follow(row(State.ACTIVE), standing("new-word"), ALL, 1.0).state is State.SUSPENDED


def test_customer_without_subscriptions_has_none() -> None:
    assert follow(row(State.NONE, stripe_id=""), None, ALL, 1.0).state is State.NONE
    assert follow(row(State.ACTIVE), None, ALL, 1.0).state is State.CANCELED


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (row(State.NONE, stripe_id=""), row(State.ACTIVE), ["subscription.started"]),
        (row(State.INCOMPLETE), row(State.ACTIVE), ["subscription.started"]),
        (row(State.NONE, stripe_id=""), row(State.INCOMPLETE), []),
        (row(State.ACTIVE), row(State.ACTIVE), []),
        (row(State.ACTIVE), row(State.PAST_DUE), ["payment.failed"]),
        (row(State.PAST_DUE), row(State.PAST_DUE), []),
        (row(State.PAST_DUE), row(State.ACTIVE), ["payment.recovered"]),
        (row(State.PAST_DUE), row(State.SUSPENDED), ["subscription.canceled"]),
        (row(State.SUSPENDED), row(State.CANCELED), []),
        (row(State.ACTIVE), row(State.CANCELED), ["subscription.canceled"]),
        (row(State.ACTIVE), row(State.ACTIVE, plan="premium"), ["subscription.changed"]),
        (row(State.ACTIVE), row(State.ACTIVE, ending=True), ["subscription.ending"]),
        (row(State.ACTIVE, ending=True), row(State.ACTIVE), ["subscription.resumed"]),
        (row(State.TRIALING), row(State.ACTIVE), []),
        (row(State.CANCELED), row(State.ACTIVE, stripe_id="sub_2"), ["subscription.started"]),
    ],
)
def test_change_is_told_once(before: Subscription, after: Subscription, told: list[str]) -> None:
    assert list(kinds_told(before, after)) == told


@given(st.sampled_from(sorted(STATES)), st.sampled_from(sorted(STATES)))
def test_following_the_same_word_twice_tells_nothing_more(first: str, second: str) -> None:
    begun = follow(row(State.NONE, stripe_id=""), standing(first), ALL, 1.0)
    once = follow(begun, standing(second), ALL, 2.0)
    twice = follow(once, standing(second), ALL, 3.0)
    assert twice == once
    assert list(kinds_told(once, twice)) == []
    assert (entitled_until(once, TERMS) > 0) == (once.state in LIVE)


def test_payload_says_plan_and_day() -> None:
    made = row(State.ACTIVE, period_end=1_800_000_000.0)
    assert payload_of(made, ALL, TERMS) == {
        "plan": "basic", "plan_name": "Basic", "until": "2027-01-15",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(999, "eur", "9.99 EUR"), (5, "usd", "0.05 USD"), (-120, "eur", "-1.20 EUR"),
     (500, "jpy", "500 JPY")],
)  # fmt: skip
def test_money_is_written_as_people_read_it(minor: int, currency: str, text: str) -> None:
    assert format_money(minor, currency) == text
