"""Tokens say what was decided, and are for the network that a viewer stays in."""

from __future__ import annotations

import pytest

from cdnkit.tokens.native import open_token
from origin.domains.playback.minting import mint, network_of
from origin.domains.playback.rules import Grant

KEYS = {"new": b"k" * 32, "old": b"o" * 32}


def test_token_is_signed_with_the_first_key_and_says_what_was_decided() -> None:
    grant = Grant(until=50.0, ends_streams=True, territories=("AT", "DE"))
    claims = open_token(mint(KEYS, "s1", grant, "/play/a/", 40, "192.0.2.0/24"), KEYS)
    assert (claims.key_id, claims.session, claims.path_prefix) == ("new", "s1", "/play/a/")
    assert (claims.expires_at, claims.client_prefix) == (40, "192.0.2.0/24")
    assert (claims.countries, claims.ends_streams) == (("AT", "DE"), True)


def test_without_a_key_there_is_no_token() -> None:
    assert mint({}, "s1", Grant(), "/play/a/", 40, "") == ""


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_viewer_stays_in_an_address_or_in_half_of_one(address: str | None, network: str) -> None:
    assert network_of(address) == network
