"""When what was invalidated: an answer asked for before it may be older than the change. Pure.

Moments are counted, not timed. Targets are remembered up to a bound; a question older than what
was forgotten counts as overtaken, so that forgetting costs a revalidation and never a wrong byte.
"""

from __future__ import annotations

from typing import Final

_TARGETS_MAX: Final = 100_000


class Epochs:
    """Take `now` before asking; `is_past` says whether a change has overtaken the question."""

    def __init__(self, targets_max: int = _TARGETS_MAX) -> None:
        self.now = 0
        self._targets_max = targets_max
        self._changed: dict[bytes, int] = {}
        self._all_changed = 0

    def change(self, target: bytes) -> None:
        """What is behind a target is another thing from now on."""
        self.now += 1
        self._changed.pop(target, None)
        self._changed[target] = self.now
        if len(self._changed) > self._targets_max:
            oldest = next(iter(self._changed))
            self._all_changed = max(self._all_changed, self._changed.pop(oldest))

    def change_all(self) -> None:
        """Anything may have changed."""
        self.now += 1
        self._all_changed = self.now
        self._changed.clear()

    def is_past(self, target: bytes, asked: int) -> bool:
        """Has the target changed since the moment `asked`?"""
        return max(self._changed.get(target, 0), self._all_changed) > asked
