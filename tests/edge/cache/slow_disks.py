"""Disks whose shelves are not read before a test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import partial

import pytest

from edge.cache.disk import Disk, FoundObject
from edge.cache.shelves import shelf_of
from edge.entry import name_of
from tests.helpers.raw_client import LIMIT_SECONDS


class Gates:
    """Shelves are read once their gate is open; single objects at any time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[int] = []
        """Shelves in the order in which they were read."""
        self._opened = threading.Condition()
        self._open: set[int] = set()
        self._all_open = False
        scan = Disk.scan

        def gated(disk: Disk, shelves: Iterable[int] | None = None) -> Iterator[FoundObject]:
            assert shelves is not None
            for shelf in shelves:
                with self._opened:
                    self._opened.wait_for(partial(self._is_open, shelf), LIMIT_SECONDS)
                self.read.append(shelf)
                yield from scan(disk, (shelf,))

        monkeypatch.setattr(Disk, "scan", gated)

    def open(self, *targets: str) -> None:
        """Let the shelves of some targets be read, without any those of all."""
        with self._opened:
            self._open.update(shelf_of(name_of(target.encode())) for target in targets)
            self._all_open = not targets
            self._opened.notify_all()

    def _is_open(self, shelf: int) -> bool:
        return self._all_open or shelf in self._open


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gates]:
    """All closed; opened at the end, so that no thread is left behind."""
    made = Gates(monkeypatch)
    yield made
    made.open()
