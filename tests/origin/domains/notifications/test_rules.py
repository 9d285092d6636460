"""What is wanted, when it is tried again, and where pushes may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from origin.domains.notifications.kinds import KINDS, Channel
from origin.domains.notifications.rules import (
    BACKOFF_SECONDS_MAX,
    SENT,
    FixedPreferenceError,
    Outcome,
    State,
    after_attempt,
    backoff_seconds,
    check_push_endpoint,
    check_wish,
    preferences,
    wanted_channels,
)

HOSTS = ("fcm.googleapis.com", ".push.apple.com", "127.0.0.1")
LATER = Outcome("later")


def test_account_that_says_nothing_is_told_by_all_channels_of_a_kind() -> None:
    assert wanted_channels("title.added", {}) == {Channel.INBOX, Channel.PUSH}


def test_wish_turns_one_kind_off_by_one_channel() -> None:
    wishes = {("title.added", Channel.PUSH): False}
    assert wanted_channels("title.added", wishes) == {Channel.INBOX}
    shown = {(each.kind, each.channel): each.wanted for each in preferences(wishes)}
    assert shown["title.added", Channel.PUSH] is False
    assert shown["title.added", Channel.INBOX] is True


def test_fixed_channel_stays_whatever_is_wished() -> None:
    wishes = {("account.reset", Channel.MAIL): False}
    assert wanted_channels("account.reset", wishes) == {Channel.MAIL}
    with pytest.raises(FixedPreferenceError):
        check_wish("account.reset", Channel.MAIL, wanted=False)


def test_unknown_kind_is_told_nobody_and_cannot_be_wished() -> None:
    assert wanted_channels("no.such", {}) == frozenset()
    with pytest.raises(BadRequestError, match="not told"):
        check_wish("no.such", Channel.MAIL, wanted=True)
    with pytest.raises(BadRequestError, match="not told"):
        check_wish("account.reset", Channel.PUSH, wanted=True)


@given(
    st.integers(1, 10_000),
    st.floats(0.01, 3600),
    st.floats(0, 1, exclude_max=True),
)
def test_waits_double_within_half_and_all_up_to_a_limit(
    attempts: int, first: float, chance: float
) -> None:
    waited = backoff_seconds(attempts, first, chance)
    full = min(first * 2.0 ** min(attempts - 1, 60), BACKOFF_SECONDS_MAX)
    assert full / 2 <= waited <= full


def test_there_is_no_wait_before_the_first_failure() -> None:
    with pytest.raises(ValueError, match="no failure"):
        backoff_seconds(0, 1, 0)


@pytest.mark.parametrize(
    ("outcome", "attempts", "lapses_at", "state", "next_at"),
    [
        (SENT, 1, 1000.0, State.SENT, 100.0),
        (LATER, 1, 1000.0, State.WAITING, 105.0),
        (LATER, 2, 1000.0, State.WAITING, 110.0),
        (LATER, 3, 1000.0, State.FAILED, 100.0),
        (LATER, 1, 104.0, State.FAILED, 100.0),
        (Outcome("no such mailbox", is_final=True), 1, 1000.0, State.FAILED, 100.0),
    ],
)
def test_attempt_decides_what_follows(
    outcome: Outcome, attempts: int, lapses_at: float, state: State, next_at: float
) -> None:
    following = after_attempt(outcome, attempts, 3, 10.0, lapses_at, now=100.0, chance=0.0)
    assert (following.state, following.next_at) == (state, next_at)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc",
        "https://web.push.apple.com/x",
        "http://127.0.0.1:8999/device",
    ],
)
def test_listed_push_services_are_talked_to(endpoint: str) -> None:
    check_push_endpoint(endpoint, HOSTS)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user@fcm.googleapis.com/x",
        "https://evil.example/fcm.googleapis.com",
        "https://notpush.apple.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "http://127.0.0.2/x",
        "http://[::1/x",
        "https://fcm.googleapis.com/\u00e4",
        "file:///etc/passwd",
        "",
    ],
)
def test_other_addresses_are_not(endpoint: str) -> None:
    with pytest.raises(BadRequestError):
        check_push_endpoint(endpoint, HOSTS)


def test_all_kinds_have_time_to_be_told() -> None:
    assert all(kind.lapses_seconds >= 3600 for kind in KINDS.values())
