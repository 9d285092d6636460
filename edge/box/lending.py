"""What an owner tells the workers that borrowed its entries: everything that happens to them.

It is told in order, so that a borrower that has heard the last message knows what the owner knew
then. A borrower says what it used, which counts as if it had been used here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from zlib import compress

from cdnkit.wire import MissClass
from edge.box.link import Link, Message
from edge.box.neighbours import Neighbours
from edge.cache.holdings import Holdings
from edge.cache.records import record_of
from edge.entry import HELD, UNVERIFIED, Entry


class Lending:
    """The lent entries of one worker."""

    def __init__(self, neighbours: Neighbours, holdings: Holdings) -> None:
        self._neighbours = neighbours
        self._holdings = holdings
        self._lent: dict[int, dict[int, Entry]] = {other: {} for other in neighbours.others}

    def lend(self, entry: Entry, borrower: int) -> tuple[int, int] | None:
        """Let a worker know an entry: its number, and as of which message of the link.

        None when the worker does not listen, or the entry is not ours to lend.
        """
        link = self._neighbours.followers.get(borrower)
        if link is None or entry.loan is not None or entry.replaced:
            return None
        if entry.borrowers is None:
            entry.borrowers = set()
        if borrower not in entry.borrowers:
            entry.borrowers.add(borrower)
            self._lent[borrower][entry.store_id] = entry
            states = b64encode(compress(bytes(entry.present), 1)).decode("ascii")
            disk = self._holdings.disks.index(entry.disk)
            doubted = self._holdings.trust.doubts(entry.mark, is_followed=True)
            link.send("entry", entry.store_id, disk, record_of(entry), states, doubted)
        return entry.store_id, link.sent

    def held(self, entry: Entry, block: int) -> None:
        """A block can be read from its file."""
        self._tell(entry, "state", entry.store_id, block, HELD)

    def let_go(self, entry: Entry, block: int) -> None:
        """A block cannot be read any more."""
        self._tell(entry, "state", entry.store_id, block, entry.present[block])

    def unsaved(self, entry: Entry, block: int) -> None:
        """A block that came in is not kept."""
        self._tell(entry, "unsaved", entry.store_id, block)

    def renewed(self, entry: Entry) -> None:
        """The entry has another head."""
        self._tell(entry, "renewed", entry.store_id, record_of(entry))

    def questioned(self, entry: Entry) -> None:
        """The entry may have changed unnoticed."""
        self._tell(entry, "questioned", entry.store_id)

    def gone(self, entry: Entry, loss: MissClass | None) -> None:
        """The entry answers nothing any more; its files stay while somebody reads them."""
        self._tell(entry, "gone", entry.store_id, None if loss is None else loss.value)

    def hear(self, link: Link, kind: str, arguments: Message) -> None:
        """Act on what a borrower says."""
        lent = self._lent[link.worker]
        if kind == "touched":
            for number, blocks in arguments:
                self._touch(lent.get(number), blocks)
        elif kind == "released":
            self._released(lent.pop(arguments[0], None), link.worker)
        elif kind == "doubted":
            number, block = arguments
            self._doubt(lent.get(number), block)

    def left(self, borrower: int) -> None:
        """A worker is gone, with all it had borrowed."""
        lent, self._lent[borrower] = self._lent[borrower], {}
        for entry in lent.values():
            self._released(entry, borrower)

    def _tell(self, entry: Entry, *message: object) -> None:
        for borrower in entry.borrowers or ():
            link = self._neighbours.followers.get(borrower)
            if link is not None:
                link.send(*message)

    def _touch(self, entry: Entry | None, blocks: Iterable[int]) -> None:
        if entry is not None and not entry.replaced:
            self._holdings.used(entry)
            for block in blocks:
                self._holdings.touch(entry, block, block + 1)

    def _released(self, entry: Entry | None, borrower: int) -> None:
        if entry is None or entry.borrowers is None:
            return
        entry.borrowers.discard(borrower)
        if entry.replaced and not (entry.borrowers or entry.readers):
            self._holdings.bury(entry)

    def _doubt(self, entry: Entry | None, block: int) -> None:
        """Somebody read other bytes than were written: nobody serves it before it is read again."""
        if entry is not None and entry.present[block] == HELD:
            entry.present[block] = UNVERIFIED
            self._holdings.open_files.close(entry, block)
            self.let_go(entry, block)
