"""Refresh tokens go where they were asked to be, and an ended session has none."""

from __future__ import annotations

import json

import pytest

from cdnkit.service.viewers import Role
from origin.domains.accounts import answers
from origin.domains.accounts.ground import Ground
from origin.domains.accounts.issuing import Issued, Outcome
from origin.domains.accounts.records import Account, Profile, Revocation, Session
from origin.domains.accounts.refusals import SessionEndedError

ANNA = Account("anna", "anna@a.org", "Anna@a.org", "hash", Role.VIEWER, "de", False, 1.0)
OUTCOME = Outcome(Issued(ANNA, "kid", "ACCESS", "REFRESH"))


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Nothing here differs by database."""
    return f"sqlite:///{tmp_path}/rows.sqlite"


async def test_refresh_token_is_in_the_body_or_in_the_cookie(ground: Ground) -> None:
    plain = answers.session_answer(ground, OUTCOME, cookie=False, status=201)
    assert plain.status == 201
    assert json.loads(plain.text or "")["refresh_token"] == "REFRESH"
    assert not plain.cookies
    kept = answers.session_answer(ground, OUTCOME, cookie=True)
    assert "refresh_token" not in json.loads(kept.text or "")
    assert kept.cookies["cinedge_session"].value == "REFRESH"
    assert kept.headers["Cache-Control"] == "no-store"


async def test_session_that_ended_has_no_answer_but_is_refused_from_now_on(ground: Ground) -> None:
    revoked = [Revocation(1, "sid", 1, ground.tokens_end_at())]
    with pytest.raises(SessionEndedError):
        answers.session_answer(ground, Outcome(None, revoked), cookie=False)


def test_answers_tell_no_hash() -> None:
    session = Session("s", "anna", "TV", 1.0, 2.0, 3.0, "seed", "hash", 1.0)
    profile = Profile("p", "anna", "Kim", pin_hash="hash")
    told = [
        answers.account_answer(ANNA),
        answers.profile_answer(profile),
        answers.device_answer(session, "s"),
    ]
    assert "hash" not in str(told)
    assert answers.profile_answer(profile).has_pin
    assert answers.device_answer(session, "s").current
