"""A map that also knows the order of its keys: look-up by hash, pages by bisection.

Pure memory; who fills it and when is the catalog's business.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import Generic, TypeVar

V = TypeVar("V")


class OrderedMap(Generic[V]):
    """Keys in code-point order, which for UTF-8 is byte order and so SQL's binary collation."""

    def __init__(self, items: Iterable[tuple[str, V]] = ()) -> None:
        self._values = dict(items)
        self._keys = sorted(self._values)

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: str) -> V | None:
        """The value of `key`, or None."""
        return self._values.get(key)

    def put(self, key: str, value: V) -> None:
        """Add or replace."""
        if key not in self._values:
            insort(self._keys, key)
        self._values[key] = value

    def remove(self, key: str) -> None:
        """Forget `key`; unknown keys are no error."""
        if self._values.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def page(self, *, prefix: str = "", after: str = "", limit: int) -> tuple[list[V], str | None]:
        """Up to `limit` values whose keys begin with `prefix` and follow `after`, in order.

        The second part is the `after` of the next page, None when this is the last.
        """
        start = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
        stop = start
        end = min(len(self._keys), start + limit)
        while stop < end and self._keys[stop].startswith(prefix):
            stop += 1
        is_last = stop >= len(self._keys) or not self._keys[stop].startswith(prefix)
        values = [self._values[key] for key in self._keys[start:stop]]
        return values, None if is_last or stop == start else self._keys[stop - 1]
