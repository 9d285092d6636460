"""`cinedge catalog import`: a list becomes titles, and again only what differs."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from scripts.cli.main import main
from tests.scripts.ingest_client.title_store import TitleStore


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> TitleStore:
    made = TitleStore()
    real = httpx.Client

    def client(**given: object) -> httpx.Client:
        given.pop("limits")
        return real(**given, transport=httpx.MockTransport(made.answer))  # type: ignore[arg-type]

    monkeypatch.setattr(httpx, "Client", client)
    return made


def test_list_is_saved_once(
    tmp_path: Path, store: TitleStore, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{"title": f"Film {number}", "year": 2000} for number in range(5)]
    file = tmp_path / "films.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    command = ["catalog", "import", str(file), "--to", "http://origin", "--quiet"]
    assert main([*command, "--limit", "4"]) == 0
    assert main([*command, "--json"]) == 0
    assert len(store.titles) == 5
    first, second = capsys.readouterr().out.splitlines()
    assert first == "4 titles: 4 new, 0 changed, 0 unchanged"
    counts = json.loads(second)
    assert (counts["new"], counts["unchanged"]) == (1, 4)


def test_nothing_is_sent_of_a_list_with_a_mistake(
    tmp_path: Path, store: TitleStore, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "films.jsonl"
    file.write_text('{"title": "A"}\n{"year": 2000}\n')
    assert main(["catalog", "import", str(file), "--to", "http://origin"]) == 2
    assert "line 2" in capsys.readouterr().err
    assert store.titles == {}


def test_parallel_has_bounds() -> None:
    for text in ("0", "65", "x"):
        assert main(["catalog", "import", "f", "--to", "http://o", "--parallel", text]) == 2
