"""Targets of names see a way out of the folder."""

from __future__ import annotations

import pytest

from scripts.fuzz.target import Target
from scripts.fuzz.targets import texts
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in texts.TARGETS}


@pytest.mark.parametrize("target", texts.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_a_key_that_leads_out_of_the_folder_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_in(BY_NAME["keys"], b"a/../b") is None
    monkeypatch.setattr(texts, "parse_key", lambda text: text)
    found = found_in(BY_NAME["keys"], b"a/../b")
    assert found is not None
    assert "out of the folder" in found.error
