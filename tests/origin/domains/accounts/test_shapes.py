"""What comes in is bounded and printable, and no secret is in a repr."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from origin.domains.accounts import shapes


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a\x00b"},
        {"name": "x" * 41},
        {"name": "Kim", "age_max": 100},
        {"name": "Kim", "language": "deutsch deutsch"},
        {"name": "Kim", "avatar": "a\nb"},
        {"name": "Kim", "more": 1},
    ],
)
def test_profile_that_cannot_be_kept_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        shapes.ProfileBody.model_validate(body)


def test_secrets_are_not_shown() -> None:
    shown = [
        shapes.SigningIn.model_validate({"email": "a@b.c", "password": "SECRET"}),
        shapes.Refreshing.model_validate({"refresh_token": "SECRET"}),
        shapes.Following.model_validate({"token": "SECRET"}),
        shapes.Choosing.model_validate({"profile_id": "p", "pin": "SECRET"}),
        shapes.ProfileTokens(access_token="SECRET", expires_in_seconds=1),
    ]
    assert "SECRET" not in repr(shown)
