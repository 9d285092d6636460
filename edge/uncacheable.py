"""Targets whose answers could not be stored a moment ago: others need not wait for the like.

Without this every viewer of such a target would queue behind the one before (hit-for-miss). What is
remembered is one variant of a target, as the unstorable answer's Vary tells variants apart; a
change of the target forgets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

from cdnkit.fields import FieldLines
from cdnkit.freshness import variant_key, vary_names

PASS_SECONDS: Final = 10.0
_TARGETS_MAX: Final = 100_000
_SEPARATOR: Final = b"\n"


class Uncacheable:
    """Remembers for PASS_SECONDS; `is_past` tells whether a target changed since an epoch."""

    def __init__(self, is_past: Callable[[bytes, int], bool], now: Callable[[], float]) -> None:
        self._is_past = is_past
        self._names: TTLCache[bytes, tuple[bytes, ...]] = TTLCache(_TARGETS_MAX, PASS_SECONDS, now)
        self._epochs: TTLCache[bytes, int] = TTLCache(_TARGETS_MAX, PASS_SECONDS, now)

    def note(self, target: bytes, request: FieldLines, response: FieldLines, epoch: int) -> None:
        """The answer to this request, asked in `epoch`, could not be stored."""
        # A star tells no variants apart: no request gets an answer of use to others.
        names = vary_names(response) or ()
        self._names[target] = names
        self._epochs[_key(target, names, request)] = epoch

    def has(self, target: bytes, request: FieldLines) -> bool:
        """Whether this request would get such an answer, as far as is known."""
        names = self._names.get(target)
        if names is None:
            return False
        epoch = self._epochs.get(_key(target, names, request))
        return epoch is not None and not self._is_past(target, epoch)


def _key(target: bytes, names: tuple[bytes, ...], request: FieldLines) -> bytes:
    return target + _SEPARATOR + variant_key(names, request) if names else target
