"""The command runs what is named and tells by its exit status."""

from __future__ import annotations

import pytest

from scripts.fuzz.__main__ import main
from scripts.fuzz.targets import table


def test_one_target_is_run_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dates", "--seconds", "0.1"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["target", "executions", "refused", "seconds", "findings"]
    assert line.split()[0] == "dates"
    assert int(line.split()[1].replace(",", "")) > 0


def test_an_unknown_target_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["datse"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(target.name in said for target in table.TARGETS)
