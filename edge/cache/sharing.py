"""Whom holdings tell what happens to entries that other workers of the box use.

An owner's entry has `borrowers`, the numbers of the workers that know it; a borrowed entry has a
`Loan`. A worker alone has nobody to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cdnkit.wire import MissClass

if TYPE_CHECKING:
    from edge.entry import Entry


class Sharing(Protocol):
    """Whom to tell what. The first is about objects, the next about own entries with borrowers, the
    last about borrowed ones."""

    def owner_of(self, object_id: str) -> int | None:
        """The worker that owns an object, None for this one."""

    def held(self, entry: Entry, block: int) -> None:
        """A block can be read from its file."""

    def let_go(self, entry: Entry, block: int) -> None:
        """A block cannot be read any more; its state says why."""

    def unsaved(self, entry: Entry, block: int) -> None:
        """A block that came in is not kept."""

    def renewed(self, entry: Entry) -> None:
        """The entry has another head."""

    def questioned(self, entry: Entry) -> None:
        """The entry may have changed unnoticed: its owner is to be asked."""

    def gone(self, entry: Entry, loss: MissClass | None) -> None:
        """The entry answers nothing any more."""

    def used(self, entry: Entry) -> None:
        """A borrowed entry was of use."""

    def released(self, entry: Entry) -> None:
        """Nobody here reads a borrowed entry any more."""

    def doubted(self, entry: Entry, block: int) -> None:
        """The file of a borrowed block is not what was written."""

    async def passed(self) -> None:
        """Return once all who borrowed have heard what was told them until now."""


class Alone:
    """One worker: it owns everything, and nobody borrows."""

    def owner_of(self, object_id: str) -> int | None:
        return None

    def held(self, entry: Entry, block: int) -> None:
        raise AssertionError("nobody borrows")

    let_go = unsaved = doubted = held

    def renewed(self, entry: Entry) -> None:
        raise AssertionError("nobody borrows")

    used = released = questioned = renewed

    async def passed(self) -> None:
        """Nobody has to hear anything."""

    def gone(self, entry: Entry, loss: MissClass | None) -> None:
        raise AssertionError("nobody borrows")
