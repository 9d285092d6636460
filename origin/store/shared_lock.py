"""A lock that many threads may share, or one may have alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedLock:
    """Whoever waits for it alone goes before those who have not shared it yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._wanting_alone = 0
        self._is_alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Beside others who share it. Not to be asked for by who has it already."""
        with self._changed:
            self._changed.wait_for(lambda: not self._wanting_alone)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """When nobody else has it."""
        with self._changed:
            self._wanting_alone += 1
            self._changed.wait_for(lambda: not (self._sharing or self._is_alone))
            self._is_alone = True
        try:
            yield
        finally:
            with self._changed:
                self._wanting_alone -= 1
                self._is_alone = False
                self._changed.notify_all()
