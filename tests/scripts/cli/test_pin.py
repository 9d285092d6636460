"""`cinedge pin`: from arguments to the order."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.cli import pin
from scripts.cli.main import main


def test_pins_and_unpins_are_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, dict[str, Any]]] = []

    def give(args: object, path: str, body: dict[str, Any]) -> int:
        given.append((path, body))
        return 0

    monkeypatch.setattr(pin, "give", give)
    assert main(["pin", "--at", "http://o", "--title", "a", "--bytes", "8MiB"]) == 0
    assert main(["pin", "--at", "http://o", "--remove", "--prefix", "f/", "--edge", "e1"]) == 0
    assert given == [
        ("/v1/pin", {"title": ["a"], "bytes": 8 << 20}),
        ("/v1/unpin", {"prefix": ["f/"], "edges": ["e1"]}),
    ]
