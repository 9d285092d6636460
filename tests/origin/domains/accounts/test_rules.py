"""Addresses, passwords, buckets and networks, at their boundaries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.viewers import Viewer
from origin.domains.accounts import rules
from origin.domains.accounts.records import Profile
from origin.domains.accounts.refusals import (
    BadAddressError,
    BadPasswordError,
    GrownUpNeededError,
)
from origin.domains.accounts.rules import Bucket


@pytest.mark.parametrize(
    ("email", "address"),
    [
        ("Anna@Example.ORG", "anna@example.org"),
        (" anna+films@example.org ", "anna+films@example.org"),
        ("ＡＮＮＡ@example.org", "anna@example.org"),
        ("jürgen@bücher.example", "jürgen@bücher.example"),
    ],
)
def test_addresses_are_compared_in_one_form(email: str, address: str) -> None:
    assert rules.normalise_address(email) == address


@pytest.mark.parametrize(
    "email",
    [
        *("", "anna", "@example.org", "anna@", "anna@org", "anna@-a.org", "a b@example.org"),
        *("a@b@example.org", "a@example..org", "a@example.org.", "a\n@example.org"),
        *("a@" + "b" * 250 + ".org", "x" * 65 + "@example.org", "a,b@example.org"),
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(BadAddressError):
        rules.normalise_address(email)


@given(st.text(max_size=300))
def test_normal_form_is_its_own_normal_form(email: str) -> None:
    try:
        address = rules.normalise_address(email)
    except BadAddressError:
        return
    assert rules.normalise_address(address) == address


def test_password_has_a_length_and_is_not_the_address() -> None:
    for password in ("1234567", "a" * 20, "x" * 257, "anna.berg", "anna.berg@example.org"):
        with pytest.raises(BadPasswordError):
            rules.check_password(password, "anna.berg@example.org")
    rules.check_password("12345678", "anna.berg@example.org")
    rules.check_password("päßwörter", "")


@given(st.integers(1, 100), st.floats(0.01, 1e4), st.floats(0, 1000))
def test_who_waits_as_told_fits(count_max: int, each_seconds: float, level: float) -> None:
    bucket = Bucket(count_max, each_seconds)
    wait_seconds = bucket.retry_after_seconds(level)
    left = max(0.0, level - wait_seconds / each_seconds)
    assert bucket.retry_after_seconds(left) == 0
    assert wait_seconds == 0 or level > count_max


def test_household_is_counted_as_one() -> None:
    same = ("2001:db8::1", "2001:db8::ffff:1")
    assert len({rules.network_of(host) for host in same}) == 1
    assert rules.network_of("2001:db8:0:1::1") != rules.network_of(same[0])
    assert rules.network_of("::ffff:192.0.2.1") == rules.network_of("192.0.2.1")
    assert rules.network_of("192.0.2.2") != rules.network_of("192.0.2.1")
    assert rules.network_of(None) == rules.network_of("unix") == "unknown"


def test_subject_does_not_tell_the_address() -> None:
    subject = rules.subject_of("mail", "anna@example.org")
    assert subject.startswith("mail:")
    assert "anna" not in subject
    assert subject != rules.subject_of("guess", "anna@example.org").replace("guess", "mail") + "x"


def test_child_does_not_change_profiles_once_there_is_a_pin() -> None:
    guarded = [Profile("p", "a", "Anna", pin_hash="x"), Profile("k", "a", "Kim", age_max=6)]
    child = Viewer("a", "s", profile="k", age_max=6)
    with pytest.raises(GrownUpNeededError):
        rules.check_manager(child, guarded)
    rules.check_manager(child, guarded[1:])
    rules.check_manager(Viewer("a", "s", profile="p"), guarded)
    rules.check_manager(Viewer("a", "s"), guarded)


@pytest.mark.parametrize(
    ("given_name", "agent", "device"),
    [
        ("TV", "Mozilla", "TV"),
        ("", "Mozilla/5.0", "Mozilla/5.0"),
        ("", "", "unknown device"),
        ("", "a\x00b\udc80c", "abc"),
        ("", "x" * 200, "x" * 100),
    ],
)
def test_device_has_a_name_that_can_be_kept(given_name: str, agent: str, device: str) -> None:
    assert rules.plain_device(given_name, agent) == device
