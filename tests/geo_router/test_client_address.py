"""Whose address a request is judged by: vectors, and that nobody outside can choose it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from geo_router.client_address import (
    SaidBy,
    parse_forwarded,
    parse_node,
    require_address,
    resolve,
    trust,
)
from tests.helpers.vectors import case_id, load_vectors

TRUSTED = trust(["10.0.0.0/8", "2001:db8:ff::/48"])


@pytest.mark.parametrize("case", load_vectors("client_addresses"), ids=case_id)
def test_client_address_follows_the_trusted_proxies(case: dict[str, Any]) -> None:
    client = resolve(
        case.get("peer", "10.0.0.1"),
        case.get("forwarded", []),
        case.get("x_forwarded_for", []),
        TRUSTED,
    )
    assert (str(client.address), client.said_by.value) == (case["address"], case["said_by"])


@given(st.lists(st.text(max_size=40), max_size=3), st.lists(st.text(max_size=40), max_size=3))
def test_an_untrusted_peer_cannot_choose_its_address(
    forwarded: list[str], x_forwarded_for: list[str]
) -> None:
    client = resolve("198.51.100.7", forwarded, x_forwarded_for, TRUSTED)
    assert (str(client.address), client.said_by) == ("198.51.100.7", SaidBy.PEER)


@given(st.text(max_size=80))
def test_what_a_client_writes_left_of_an_honest_hop_changes_nothing(prefix: str) -> None:
    honest = f"{prefix}, 192.0.2.9"
    client = resolve("10.0.0.1", [], [honest], TRUSTED)
    assert str(client.address) == "192.0.2.9"


@given(st.text(alphabet='for=", ;\\[]:19.ab', max_size=60))
def test_no_forwarded_text_breaks_the_parser(text: str) -> None:
    for hop in parse_forwarded(text):
        if hop is not None:
            parse_node(hop)


def test_a_very_long_chain_of_proxies_is_bounded() -> None:
    client = resolve("10.0.0.1", [], ["192.0.2.9," + "10.0.0.2," * 5000 + "10.0.0.2"], TRUSTED)
    assert str(client.address) == "10.0.0.2"


def test_a_connection_without_an_address_has_none() -> None:
    assert resolve(None, [], [], TRUSTED).address is None
    assert resolve("", ["for=192.0.2.1"], [], TRUSTED).address is None


@pytest.mark.parametrize("text", ["", "fra", "1.2.3", "1.2.3.4/32", "fe80::1%eth0", " 1.2.3.4"])
def test_a_named_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="no IP address"):
        require_address(text)


@pytest.mark.parametrize(
    "text", ["[1.2.3.4]", "[::1", "[::1]x", "1.2.3.4:", "1.2.3.4:999999", "_x", "unknown"]
)
def test_a_hop_that_is_no_address_is_unknown(text: str) -> None:
    assert parse_node(text) is None
