"""The target of the DNS sees an answer that nobody can read."""

from __future__ import annotations

import pytest

from scripts.fuzz.target import Target
from scripts.fuzz.targets import questions
from tests.scripts.fuzz.borne import check_borne, found_in


@pytest.mark.parametrize("target", questions.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_an_answer_that_nobody_can_read_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Babbling:
        def answer(self, packet: bytes, client: str, *, udp: bool = True) -> bytes:
            return packet[:2] + b"\x84\0" + b"\0\1" * 4

    (target,) = questions.TARGETS
    monkeypatch.setattr(questions, "_ANSWERER", Babbling())
    found = found_in(target, target.seeds[0])
    assert found is not None
    assert "dnspython" in found.error
