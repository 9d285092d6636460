"""What of a list is shown to whom: labels of experiments, and what is left out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from origin.catalog.recommended import CONTROL, TRIAL, Item, Shown

_DRAWS = 1 << 64


def label_of(profile: str, trial_share: float) -> str:
    """The side of an experiment that a profile is on: the same whenever it is asked.

    A larger share takes more profiles in and lets none go.
    """
    draw = int.from_bytes(hashlib.sha256(profile.encode()).digest()[:8])
    return TRIAL if draw < trial_share * _DRAWS else CONTROL


def visible_items(
    shown: Shown, may_see: Callable[[str], bool], watched: Collection[str], limit: int
) -> list[Item]:
    """The best that may be shown: the profile's own, and the region's where those are too few."""
    lists = [each.items for each in (shown.own, shown.regional) if each is not None]
    items = _once(item for items in lists for item in items)
    fresh = (item for item in items if item.title not in watched and may_see(item.title))
    return list(islice(fresh, limit))


def _once(items: Iterable[Item]) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        if item.title not in seen:
            seen.add(item.title)
            yield item
