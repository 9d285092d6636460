"""`cinedge purge`: from arguments to the order."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.cli import purge
from scripts.cli.main import main


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    orders: list[tuple[str, dict[str, Any]]] = []

    def give(args: object, path: str, body: dict[str, Any]) -> int:
        orders.append((path, body))
        return 0

    monkeypatch.setattr(purge, "give", give)
    return orders


def test_what_is_named_is_ordered(given: list[tuple[str, dict[str, Any]]]) -> None:
    words = ["purge", "--at", "http://o", "--title", "a", "--tag", "t", "--tag", "u"]
    assert main([*words, "--soft", "--rate", "5"]) == 0
    assert main(["purge", "--at", "http://o", "--all"]) == 0
    soft = {"title": ["a"], "tag": ["t", "u"], "refresh_per_second": 5.0, "mode": "soft"}
    assert given == [("/v1/purge", soft), ("/v1/purge", {"all": True, "mode": "hard"})]


def test_a_rate_without_soft_is_refused(given: list[tuple[str, dict[str, Any]]]) -> None:
    assert main(["purge", "--at", "http://o", "--all", "--rate", "5"]) == 2
    assert given == []
