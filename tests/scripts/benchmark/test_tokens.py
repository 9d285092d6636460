"""Every dialect and algorithm is measured with a token that opens."""

from __future__ import annotations

import pytest

from scripts.benchmark.tokens import main, measure, samples


def test_every_token_opens_and_is_allowed() -> None:
    names = [sample[0] for sample in samples()]
    assert names[0] == "native"
    assert len(names) == 7
    for sample in samples():
        first, again = measure(sample, calls=1)
        assert first > 0
        assert again > 0


def test_the_table_has_a_row_for_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.benchmark.tokens.measure", lambda sample: (1.0, 0.5))
    assert main() == 0
    assert capsys.readouterr().out.count("| 1.0 | 0.5 |") == 7
