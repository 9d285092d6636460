"""`cinedge recommend`: one command from activity to what is shown, and one back."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from origin.catalog.database import open_database, parse_database_url
from scripts.cli.main import main
from tests.helpers.activity_log import add_events, add_titles, made_events, made_titles


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    """A catalog in which something happened."""
    url = f"sqlite:///{tmp_path}/catalog.sqlite"

    async def fill() -> None:
        database = await open_database(parse_database_url(url, tmp_path))
        async with database.begin() as connection:
            await add_titles(connection, made_titles(20))
            await add_events(connection, made_events(60, profiles=5, title_count=20, days=2))
        await database.close()

    asyncio.run(fill())
    return url


def test_one_command_makes_lists_and_another_goes_back(
    catalog: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "batch")
    assert main(["recommend", "--catalog", catalog, "--into", place, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    rows = {stage["name"]: stage["rows"] for stage in first["stages"]}
    assert (rows["snapshot"], rows["rows"] > 5) == (60, True)
    again = ["recommend", "--catalog", catalog, "--into", place, "--label", "trial"]
    assert main(again) == 0
    printed = capsys.readouterr().out
    assert "generator" in printed
    assert "trial is shown" in printed
    back = ["recommend", "--catalog", catalog, "--promote", first["run"], "--label", "trial"]
    assert main(back) == 0
    capsys.readouterr()
    assert main(["recommend", "--catalog", catalog, "--runs", "--json"]) == 0
    shown = {run["run"]: run["shown_to"] for run in json.loads(capsys.readouterr().out)}
    assert shown[first["run"]] == ["control", "trial"]


def test_mistakes_are_one_line_and_an_exit_code(
    catalog: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    into = ["--into", str(tmp_path / "batch")]
    for words, code, said in [
        (["--catalog", "catalog.sqlite", *into], 2, "give a URL"),
        (["--catalog", catalog, "--into", "ftp://x/y"], 1, "hdfs://host:port/path"),
        (["--catalog", catalog, "--promote", "nothing"], 1, "there is no run nothing"),
    ]:
        assert main(["recommend", *words]) == code
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_missing_extra_is_named(
    catalog: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [each for each in sys.modules if each.startswith("origin.batch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ibis", None)
    assert main(["recommend", "--catalog", catalog, "--into", "x"]) == 1
    assert "pip install 'cinedge[jobs]'" in capsys.readouterr().err
