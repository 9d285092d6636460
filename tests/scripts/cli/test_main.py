"""Claims about the `cinedge` command as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cdnkit.errors import UnavailableError
from config.complaints import Complaint, TopologyError
from scripts.cli import main as command
from scripts.cli.errors import FailedError, UsageError

_ROOT = Path(__file__).parents[3]


class StandIn(ModuleType):
    """A sub-command that ends as the test says."""

    def __init__(self, end: BaseException | int) -> None:
        super().__init__("stand_in")
        self._end = end

    def add_parser(self, subparsers: Any) -> None:
        subparsers.add_parser("edge")

    def run(self, args: object) -> int:
        if isinstance(self._end, int):
            return self._end
        raise self._end


def end_with(end: BaseException | int, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(command, "_load", lambda name: StandIn(end))
    return command.main(["edge"])


@pytest.mark.parametrize(
    ("end", "code", "shown"),
    [
        (0, 0, ""),
        (1, 1, ""),
        (UsageError("no such thing"), 2, "cinedge: no such thing\n"),
        (FailedError("it broke"), 1, "cinedge: it broke\n"),
        (UnavailableError("not now"), 1, "cinedge: not now\n"),
        (OSError(98, "Address in use"), 1, "cinedge: OSError: [Errno 98] Address in use\n"),
        (KeyboardInterrupt(), 1, "cinedge: interrupted\n"),
        (TopologyError([Complaint("t", 1, 2, "a", "bad")]), 2, "t:1:2: a: bad\n"),
    ],
)
def test_every_end_has_its_code_and_one_line(
    end: BaseException | int,
    code: int,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CINEDGE_DEBUG", raising=False)
    assert end_with(end, monkeypatch) == code
    assert capsys.readouterr().err == shown


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CINEDGE_DEBUG", "1")
    assert end_with(FailedError("it broke"), monkeypatch) == 1
    assert "Traceback" in capsys.readouterr().err


def test_help_names_every_command_and_version_ends_well(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {name} " in shown for name in ("up", "origin", "edge", "router", "ingest"))
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cinedge ")


@pytest.mark.parametrize("name", ["up", "origin", "edge", "router", "ingest", "topology"])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([name, "--help"]) == 0
    assert f"usage: cinedge {name}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["egde"], ["--nonsense"], ["edge", "--nonsense"]])
def test_wrong_words_end_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 2
    assert "usage: cinedge" in capsys.readouterr().err


def test_a_command_loads_no_tier_before_it_runs() -> None:
    script = (
        "import sys, scripts.cli.main as m; m.main(['edge', '--help']);"
        "tiers = {'origin', 'edge', 'geo_router', 'aiohttp', 'httpx', 'scripts.cli.origin'};"
        "sys.exit(repr(tiers & set(sys.modules)) if tiers & set(sys.modules) else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_a_reader_that_leaves_is_no_traceback() -> None:
    ended = subprocess.run(
        f"'{sys.executable}' -m scripts.cli.main topology example | head -c 1",
        cwd=_ROOT,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "#"
    assert "Traceback" not in ended.stderr
