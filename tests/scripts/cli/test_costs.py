"""Claims about `cinedge costs`; tests/scenarios/test_costs.py asks a real origin."""

from __future__ import annotations

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from scripts.cli.costs import table_of
from scripts.cli.main import main

ROW: dict[str, Any] = {
    "edge_bytes": 12_300_000_000,
    "shield_bytes": 0,
    "origin_bytes": 1_000_000_000,
    "fill_miss_bytes": 1_000_000,
    "fill_warm_bytes": 2_000_000,
    "fill_placement_bytes": 4_000_000,
    "cost": 1234.5,
}
SAID = {
    "from": "2026-11-01",
    "to": "2026-11-30",
    "by": "title",
    "currency": "EUR",
    "items": [{**ROW, "key": "films/" + "a-long-name-" * 9}, {**ROW, "key": ""}],
    "left_out": 3,
    "total": {**ROW, "key": ""},
}


@pytest.fixture
def nobody() -> Iterator[str]:
    """An origin that knows nothing of costs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_table_fits_a_small_screen_and_cuts_no_name() -> None:
    screen = Console(file=io.StringIO(), width=80)
    screen.print(table_of(SAID))
    assert isinstance(screen.file, io.StringIO)
    shown = screen.file.getvalue()
    assert "…" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    first = "".join(line[:30].split()[0] for line in shown.splitlines()[1:-2] if line.strip())
    assert first.startswith("films/a-long-name-")
    for cell in ("(no title)", "12.3 GB", "1.0 GB", "7.0 MB", "1,234.50", "EUR", "all"):
        assert cell in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "yesterday"], "no day"),
        (["--by", "viewer"], "invalid choice"),
        (["--count", "0"], "--count"),
        (["--of", "/nowhere.yaml"], "cannot be read"),
    ],
)
def test_wrong_arguments_end_with_two(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["costs", *arguments])
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    assert said in capsys.readouterr().err


def test_a_topology_without_origin_asks_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("version: 1\nroutes: []\n")
    assert main(["costs", "--of", str(path)]) == 2
    assert "--at" in capsys.readouterr().err


def test_an_origin_that_does_not_know_costs_is_a_failure(
    nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["costs", "--at", nobody]) == 1
    assert "404" in capsys.readouterr().err
