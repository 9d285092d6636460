"""Targets of other machines see a signature that does not count, and an error nobody expects."""

from __future__ import annotations

import pytest

from edge.hop import Hop
from scripts.fuzz.target import Target
from scripts.fuzz.targets import peers
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in peers.TARGETS}


@pytest.mark.parametrize("target", peers.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_a_hop_that_nobody_signed_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    hop = Hop("e1", "e2", 1, ())
    assert found_in(BY_NAME["hop"], b"forged") is None
    monkeypatch.setattr(peers, "parse_hop", lambda value, target, keys: hop)
    found = found_in(BY_NAME["hop"], b"forged")
    assert found is not None
    assert "not signed" in found.error


def test_an_order_that_ends_its_reader_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    order = b'{"objects":[],"bytes_per_second":1e999,"concurrency":1}'
    assert found_in(BY_NAME["order"], order) is None
    monkeypatch.setattr(peers, "NOT_UNDERSTOOD", (KeyError, TypeError, ValueError))
    assert found_in(BY_NAME["order"], order) is not None
