"""Kinds of events, and what of them is fixed."""

from __future__ import annotations

from origin.domains.notifications.kinds import KINDS, Channel


def test_what_is_fixed_is_a_channel_of_the_kind() -> None:
    assert all(kind.fixed <= kind.channels for kind in KINDS.values())


def test_mails_about_the_account_cannot_be_turned_off() -> None:
    for name in ("account.verify", "account.reset", "account.password_changed", "payment.failed"):
        assert Channel.MAIL in KINDS[name].fixed


def test_links_that_open_an_account_go_to_its_address_alone() -> None:
    for name in ("account.verify", "account.reset"):
        assert KINDS[name].channels == {Channel.MAIL}
