"""`cinedge warm`: from arguments and a list to the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.cli import warm
from scripts.cli.main import main


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    orders: list[tuple[str, dict[str, Any]]] = []

    def give(args: object, path: str, body: dict[str, Any]) -> int:
        orders.append((path, body))
        return 0

    monkeypatch.setattr(warm, "give", give)
    return orders


def test_a_list_and_limits_are_ordered(
    given: list[tuple[str, dict[str, Any]]], tmp_path: Path
) -> None:
    (tmp_path / "list").write_text("films/a\n\nfilms/b\n")
    words = ["warm", "--at", "http://o", "--object", "c", "--list", str(tmp_path / "list")]
    assert main([*words, "--bytes", "1MiB", "--rate", "2MB", "--site", "fra"]) == 0
    expected = {"object": ["c", "films/a", "films/b"], "bytes": 1 << 20}
    expected |= {"bytes_per_second": 2_000_000, "sites": ["fra"]}
    assert given == [("/v1/warm", expected)]


@pytest.mark.parametrize(
    "words", [["--list", "/nonexistent"], ["--title", "a", "--bytes", "much"], []]
)
def test_what_cannot_be_read_is_refused(
    given: list[tuple[str, dict[str, Any]]], words: list[str]
) -> None:
    code = main(["warm", "--at", "http://o", *words])
    assert code == (0 if not words else 2)
