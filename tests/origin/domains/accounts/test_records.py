"""No record shows a secret."""

from __future__ import annotations

from cdnkit.service.viewers import Role
from origin.domains.accounts.records import (
    Account,
    MailedToken,
    Profile,
    Purpose,
    Session,
    SigningKey,
)


def test_no_repr_shows_a_secret() -> None:
    account = Account("a", "x@y.z", "x@y.z", "SECRET", Role.VIEWER, "", False, 0.0)
    session = Session("s", "a", "tv", 0.0, 0.0, 1.0, seed="SECRET", token_hash="SECRET",
                      rotated_at=0.0)  # fmt: skip
    mailed = MailedToken("SECRET", Purpose.RESET, "a", "x@y.z", {"hash": "SECRET"}, 0.0, 1.0)
    key = SigningKey("k", b"SECRET", 0.0, 0.0)
    profile = Profile("p", "a", "Kid", pin_hash="SECRET")
    for record in (account, session, mailed, key, profile):
        assert "SECRET" not in repr(record)
