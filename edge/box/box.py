"""One worker's place in its box: whom it asks, what it tells the others and hears from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cdnkit.fields import Pair
from edge.box.asking import Owners
from edge.box.borrowing import Borrowing
from edge.box.lending import Lending
from edge.box.neighbours import Neighbours
from edge.cache.holdings import Holdings
from edge.cache.shelves import owner_of
from edge.entry import Entry, name_of
from edge.upstream.connection import InterimListener
from edge.upstream.lent import Lent


class Box:
    """Joins the holdings of one worker to those of the others; `start` it once they are loaded."""

    def __init__(
        self,
        neighbours: Neighbours,
        owners: Owners,
        holdings: Holdings,
        now: Callable[[], float],
    ) -> None:
        self.neighbours = neighbours
        self._lending = lending = Lending(neighbours, holdings)
        self._borrowing = borrowing = Borrowing(neighbours, holdings)
        self._owners = owners
        self._now = now
        neighbours.on_follower = lending.hear
        neighbours.on_left = lending.left
        neighbours.on_owner = borrowing.hear
        neighbours.on_up = borrowing.up
        neighbours.on_down = self._down
        # What holdings tell (`edge.cache.loans.Sharing`) goes to the half that it concerns.
        self.held, self.let_go, self.unsaved = lending.held, lending.let_go, lending.unsaved
        self.renewed, self.gone, self.lend = lending.renewed, lending.gone, lending.lend
        self.used, self.released = borrowing.used, borrowing.released
        self.doubted, self.questioned = borrowing.doubted, lending.questioned
        self.passed = neighbours.passed
        holdings.sharing = self
        holdings.trust.is_abreast = neighbours.abreast.is_abreast

    def owner_of(self, object_id: str) -> int | None:
        """The worker that owns an object, None for this one."""
        owner = owner_of(object_id, self.neighbours.workers)
        return None if owner == self.neighbours.number else owner

    async def ask(
        self,
        method: bytes,
        target: bytes,
        pairs: Sequence[Pair],
        request_id: bytes,
        on_interim: InterimListener | None,
        *,
        borrows: bool,
    ) -> Lent | None:
        """The owner's answer; None when this worker owns the object, or its owner is away.

        Who `borrows` reads what the owner holds from its files, and is sent no content of that.
        Raises UpstreamError.
        """
        owner = self.owner_of(name_of(target))
        if owner is None:
            return None
        now = self._now()
        return await self._owners.ask(
            owner, method, target, pairs, request_id, on_interim, now, borrows=borrows
        )

    async def borrow(self, target: bytes, lent: Lent) -> tuple[Entry, int, int] | None:
        """The entry an owner's answer is from, and which bytes [start, stop) come with it.

        None when the entry is gone already.
        """
        owner = self.owner_of(name_of(target))
        return None if owner is None else await self._borrowing.take(owner, lent)

    def tick(self) -> None:
        """Once a second."""
        self._borrowing.tell_touched()

    async def close(self) -> None:
        """Leave the box."""
        await self.neighbours.close()
        self._owners.close()

    def _down(self, owner: int) -> None:
        self._owners.down(owner)
        self._borrowing.down(owner)
