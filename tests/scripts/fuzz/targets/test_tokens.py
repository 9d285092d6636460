"""Targets of tokens see a verifier that believes what nobody signed."""

from __future__ import annotations

import pytest

from cdnkit.tokens import Claims
from scripts.fuzz.target import Target
from scripts.fuzz.targets import tokens
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in tokens.TARGETS}


@pytest.mark.parametrize("target", tokens.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_a_verifier_that_believes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = b"1.k1.W10.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    class Believing:
        def open(self, token: str) -> Claims:
            return Claims("k1", "/", 1)

    assert found_in(BY_NAME["tokens"], forged) is None
    monkeypatch.setattr(tokens, "_VERIFIER", Believing())
    for name in ("tokens", "token-alg"):
        found = found_in(BY_NAME[name], forged)
        assert found is not None
        assert "opens" in found.error
