"""A refresh token is good once, the same answer for a moment, and a trap afterwards."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from origin.domains.accounts.records import Session
from origin.domains.accounts.rotation import (
    RefreshToken,
    Verdict,
    following_token,
    format_token,
    hash_secret,
    judge,
    parse_token,
)

GRACE_SECONDS = 20.0
LIFE_SECONDS = 1000.0
SEED, FIRST = "5eed" * 12, "f" * 48


def begun(now: float = 0.0) -> tuple[Session, str]:
    session = Session(
        id="sid",
        account="anna",
        device="tv",
        created_at=now,
        seen_at=now,
        expires_at=now + LIFE_SECONDS,
        seed=SEED,
        token_hash=hash_secret(FIRST),
        rotated_at=now,
    )
    return session, format_token("sid", 0, FIRST, SEED)


def parsed(text: str) -> RefreshToken:
    token = parse_token(text)
    assert token is not None
    return token


def rotated(session: Session, token: str, now: float) -> tuple[Session, str]:
    text, token_hash = following_token(session, parsed(token))
    following = dataclasses.replace(
        session,
        token_hash=token_hash,
        counter=session.counter + 1,
        rotated_at=now,
        expires_at=now + LIFE_SECONDS,
    )
    return following, text


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    token = parse_token(text)
    assert token is None or f"{token.session}.{token.counter}.{token.secret}.{token.tag}" == text


@pytest.mark.parametrize(
    "change",
    [
        {"session": "other"},
        {"counter": 1},
        {"secret": "0" * 48},
        {"tag": "0" * 32},
    ],
)
def test_token_that_was_tampered_with_means_nothing(change: dict[str, object]) -> None:
    session, text = begun()
    token = dataclasses.replace(parsed(text), **change)  # type: ignore[arg-type]
    # Another session's seed is what refuses another session's token.
    seed = "0ther" if "session" in change else SEED
    session = dataclasses.replace(session, seed=seed)
    assert judge(session, token, 0.0, GRACE_SECONDS) is Verdict.UNKNOWN


def test_row_does_not_tell_the_present_token() -> None:
    session, text = begun()
    assert FIRST not in repr(dataclasses.asdict(session))
    forged = format_token("sid", 0, session.token_hash[:48], session.seed)
    assert judge(session, parsed(forged), 0.0, GRACE_SECONDS) is Verdict.REUSED
    assert judge(session, parsed(text), 0.0, GRACE_SECONDS) is Verdict.GOOD


def test_expired_session_means_nothing_at_the_moment_it_expires() -> None:
    session, text = begun()
    assert judge(session, parsed(text), LIFE_SECONDS - 0.001, GRACE_SECONDS) is Verdict.GOOD
    assert judge(session, parsed(text), LIFE_SECONDS, GRACE_SECONDS) is Verdict.UNKNOWN


class Family(RuleBasedStateMachine):
    """Anybody may present any token ever given out, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.session, first = begun()
        self.given = [first]
        self.alive = True

    @rule(seconds=st.floats(0.0, 40.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def present(self, data: st.DataObject) -> None:
        age = data.draw(st.integers(0, len(self.given) - 1))
        text = self.given[len(self.given) - 1 - age]
        verdict = judge(self.session, parsed(text), self.now, GRACE_SECONDS)
        fresh = self.now < self.session.rotated_at + GRACE_SECONDS
        if self.now >= self.session.expires_at:
            assert verdict is Verdict.UNKNOWN
        elif age == 0:
            assert verdict is Verdict.GOOD
            self.session, following = rotated(self.session, text, self.now)
            self.given.append(following)
        elif age == 1 and fresh:
            assert verdict is Verdict.AGAIN
            assert following_token(self.session, parsed(text))[0] == self.given[-1]
        else:
            assert verdict is Verdict.REUSED
            self.alive = False

    @invariant()
    def no_token_is_given_twice(self) -> None:
        assert len(set(self.given)) == len(self.given)


TestFamily = Family.TestCase
