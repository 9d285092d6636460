"""Purges as the journal tells them, done to what a worker holds.

An entry goes in one step however long it is. Many entries are gone through in slices, so that
viewers of others need not wait; answers that were asked for before count as overtaken from the
first moment, so that none of them is kept as if it were new. What is found on a disk only later
is purged when it is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.fields import FieldLines
from cdnkit.wire import MissClass
from edge.cache.holdings import Holdings
from edge.cache.tags import tags_of
from edge.entry import SEPARATOR, Entry

USABLE_SECONDS: Final = 86_400
"""How long after a soft purge stale content may be served while it is asked for again."""
_SLICE: Final = 2_000

TargetsOf = Callable[[str], list[bytes]]
"""The request targets under which a key is served here."""


@dataclass(frozen=True, slots=True)
class Purge:
    """What is purged: targets, what begins with a prefix, what bears a tag, or everything."""

    targets: frozenset[bytes]
    prefixes: tuple[bytes, ...]
    tags: tuple[str, ...]
    everything: bool
    soft: bool
    refresh_per_second: float


def parse_purge(detail: Mapping[str, Any], targets_of: TargetsOf) -> Purge:
    """The purge of a journal entry. Raises NOT_UNDERSTOOD of `orders` for anything else."""

    def targets(names: object) -> list[bytes]:
        if not isinstance(names, list):
            raise ValueError("not a list of names")
        return [target for name in names for target in targets_at(str(name), targets_of)]

    return Purge(
        frozenset(targets(detail["keys"])),
        tuple(targets(detail["prefixes"])),
        tuple(map(str, detail["tags"])),
        bool(detail["all"]),
        bool(detail["soft"]),
        float(detail["refresh_per_second"]),
    )


def targets_at(name: str, targets_of: TargetsOf) -> list[bytes]:
    """Where a key, or a path that begins with "/", is served here."""
    return [name.encode("latin-1")] if name.startswith("/") else targets_of(name)


async def purge(
    holdings: Holdings, what: Purge, now: float, softened: Callable[[Entry], None]
) -> None:
    """Let what is meant go, or be stale; `softened` is told of each entry that was made stale."""
    act = _Act(holdings, what, now, softened)
    # Entries that come from now on were asked for after this, or count as overtaken.
    holdings.epochs.change_all()
    holdings.finding.do_later(lambda entry: act.on([entry] if _is_meant(entry, what) else []))
    for tag in what.tags:
        act.on(holdings.names.tags.bearers(tag))
    for target in what.targets:
        act.on(holdings.variants_of(target))
    if what.everything or what.prefixes or what.targets:
        entries = list(holdings.entries.values())
        for start in range(0, len(entries), _SLICE):
            some = entries[start : start + _SLICE]
            act.on(entry for entry in some if _is_in_place(entry, what))
            await asyncio.sleep(0)


def _is_meant(entry: Entry, what: Purge) -> bool:
    target = entry.key.partition(SEPARATOR)[0]
    tags = tags_of(FieldLines(entry.head.pairs)) if what.tags else ()
    return (
        target in what.targets
        or _is_in_place(entry, what)
        or not frozenset(tags).isdisjoint(what.tags)
    )


def _is_in_place(entry: Entry, what: Purge) -> bool:
    # A key is a target, then a query, then the variant: each begins with its own mark.
    return (
        what.everything
        or entry.key.startswith(what.prefixes)
        or entry.key.partition(SEPARATOR)[0].partition(b"?")[0] in what.targets
    )


class _Act:
    """Does one purge to entries; each of them once."""

    def __init__(
        self, holdings: Holdings, what: Purge, now: float, softened: Callable[[Entry], None]
    ) -> None:
        self._softened = softened
        self._holdings = holdings
        self._what = what
        self._now = now
        self._done: set[Entry] = set()

    def on(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry in self._done or entry.replaced:
                continue
            self._done.add(entry)
            if self._what.soft:
                self._holdings.soften(entry, self._now, USABLE_SECONDS)
                self._softened(entry)
            else:
                self._holdings.remove(entry, MissClass.PURGED)
