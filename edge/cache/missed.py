"""What happened to entries before they were found on a disk: done to them when they are.

An edge serves while it still reads what its disks hold. A purge or a change that comes meanwhile
is done at once to all that is known, and kept here for what will be found later. Kept in memory
only: the place in a journal is not written down before all is found, so a crash hears it again.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.entry import SEPARATOR, Entry

Act = Callable[[Entry], None]


class Missed:
    """The changes that entries found from now on have missed."""

    def __init__(self) -> None:
        self._targets: dict[bytes, str | None] = {}
        self._acts: list[Act] = []

    def invalidate(self, target: bytes, new_etag: str | None) -> None:
        """What a target names has changed; an entry that has `new_etag` may stay."""
        if self._targets.setdefault(target, new_etag) != new_etag:
            # It changed twice: what was found cannot be what both changes made.
            self._targets[target] = None

    def add(self, act: Act) -> None:
        """Do this to each entry; acts are done in the order in which they were added."""
        self._acts.append(act)

    def catch_up(self, entry: Entry, invalidate: Act) -> None:
        """Do to an entry, which was just found, all that it has missed."""
        target = entry.key.partition(SEPARATOR)[0]
        if target in self._targets:
            new_etag = self._targets[target]
            if new_etag is None or entry.validators.etag != new_etag:
                invalidate(entry)
        for act in self._acts:
            if entry.replaced:
                return
            act(entry)

    def forget(self) -> None:
        """All is found: nothing misses anything any more."""
        self._targets.clear()
        self._acts.clear()
