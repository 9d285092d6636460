"""Each refusal has a code of its own and a status a client knows."""

from __future__ import annotations

from cdnkit.errors import CinedgeError, problem
from origin.domains.accounts import refusals
from origin.domains.accounts.refusals import TooManyAttemptsError, WrongPasswordError


def test_codes_differ() -> None:
    kinds = [
        kind
        for kind in vars(refusals).values()
        if isinstance(kind, type) and issubclass(kind, CinedgeError)
        if kind.__module__ == refusals.__name__
    ]
    assert len({kind.code for kind in kinds}) == len(kinds) > 8
    assert {kind.status for kind in kinds} == {400, 401, 403, 409, 429}


def test_too_many_says_when_to_come_back() -> None:
    error = TooManyAttemptsError("Wait.", 7)
    assert error.headers() == {"Retry-After": "7"}
    assert problem(error)["title"] == "Too Many Requests"


def test_wrong_password_does_not_say_what_was_wrong() -> None:
    assert "no such" not in WrongPasswordError().detail
