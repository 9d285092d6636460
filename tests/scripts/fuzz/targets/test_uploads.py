"""Targets of uploads see an error of ours where the client is wrong."""

from __future__ import annotations

import pytest

from cdnkit.errors import CinedgeError
from scripts.fuzz.target import Target
from scripts.fuzz.targets import uploads
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in uploads.TARGETS}


@pytest.mark.parametrize("target", uploads.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target, has_taken=target.name != "webhook")


def test_a_status_of_ours_for_a_mistake_of_theirs_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(text: str) -> None:
        raise CinedgeError("ours")

    assert found_in(BY_NAME["tus-head"], b"x") is None
    monkeypatch.setattr(uploads, "parse_checksum", failing)
    found = found_in(BY_NAME["tus-head"], b"x")
    assert found is not None
    assert "costs 500" in found.error
