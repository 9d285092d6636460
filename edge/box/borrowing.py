"""What a worker knows of entries that others own: as much as it was asked for, within bounds.

A borrowed entry stands among the worker's own, so that a hit on it takes the same way; its blocks
are read from the owner's files. When the owner ends, what is known stays good: nobody is left who
could change it. When the owner is back it is asked anew.
"""

from __future__ import annotations

from base64 import b64decode
from collections import OrderedDict
from typing import Any, Final
from zlib import decompress

from cdnkit.wire import MissClass
from edge.box.link import Link, LinkLostError, Message
from edge.box.neighbours import Neighbours
from edge.cache.disk import FoundObject
from edge.cache.holdings import Holdings
from edge.cache.records import entry_from
from edge.combine import part_of
from edge.entry import HELD, SEPARATOR, UNVERIFIED, Entry, Loan, name_of
from edge.trust import NEVER_GOOD
from edge.upstream.lent import Lent

_ENTRIES_MAX: Final = 20_000
_BLOCKS_MAX: Final = 2_000_000
"""At 9 bytes a block and some 2 KB an entry."""


class Borrowing:
    """The borrowed entries of one worker."""

    def __init__(
        self,
        neighbours: Neighbours,
        holdings: Holdings,
        entries_max: int = _ENTRIES_MAX,
        blocks_max: int = _BLOCKS_MAX,
    ) -> None:
        self._neighbours = neighbours
        self._holdings = holdings
        self._entries_max = entries_max
        self._blocks_max = blocks_max
        self._blocks = 0
        # By owner and number there; the least recently used first.
        self._known: OrderedDict[tuple[int, int], Entry] = OrderedDict()
        self._touched: dict[Entry, None] = {}

    def hear(self, link: Link, kind: str, arguments: Message) -> None:
        """Act on what an owner says."""
        number, *rest = arguments
        if kind == "entry":
            self._learn(link.worker, number, *rest)
            return
        entry = self._known.get((link.worker, number))
        if entry is None:
            return
        if kind == "state":
            self._set_state(entry, *rest)
        elif kind == "unsaved":
            assert entry.loan is not None
            entry.loan.settle(rest[0], None)
        elif kind == "renewed":
            self._renew(entry, rest[0])
        elif kind == "questioned":
            self._question(entry)
        elif kind == "gone":
            self._holdings.remove(entry, None if rest[0] is None else MissClass(rest[0]))

    async def entry(self, owner: int, number: int, at: int) -> Entry | None:
        """The entry an owner has just spoken of, as of message `at`; None when it is gone."""
        link = self._neighbours.followed.get(owner)
        if link is None:
            return None
        try:
            await link.reached(at)
        except LinkLostError:
            return None
        entry = self._known.get((owner, number))
        return None if entry is None or entry.replaced else entry

    async def take(self, owner: int, lent: Lent) -> tuple[Entry, int, int] | None:
        """The entry an owner's answer is from, and which bytes [start, stop) come with it.

        None when the entry is gone already.
        """
        says, head = lent.says, lent.head
        if says is None or says.entry is None:
            return None
        entry = await self.entry(owner, says.entry, says.at)
        if entry is None:
            return None
        start, stop = (0, entry.size_bytes) if head.status == entry.head.status else (0, 0)
        part = part_of(head) if head.status == 206 else None
        if part is not None:
            start, stop = part.start, part.stop
        return (entry, 0, 0) if says.held or start % entry.block_bytes else (entry, start, stop)

    def up(self, owner: int) -> None:
        """An owner is here (again): what was known of its former life is asked anew."""
        for entry in [*self._holdings.entries.values()]:
            if entry.loan is not None and entry.loan.owner == owner:
                self._holdings.remove(entry, None)

    def down(self, owner: int) -> None:
        """An owner is gone: what it had still to say will not be said."""
        for key in [key for key in self._known if key[0] == owner]:
            loan = self._known.pop(key).loan
            assert loan is not None
            loan.end()
        self._count()

    def used(self, entry: Entry) -> None:
        """A borrowed entry was of use; the owner hears of it with the next `tell_touched`."""
        self._touched[entry] = None

    def tell_touched(self) -> None:
        """Once a second: owners learn what of theirs was used."""
        touched, self._touched = self._touched, {}
        by_owner: dict[int, list[tuple[int, list[int]]]] = {}
        for entry in touched:
            loan = entry.loan
            assert loan is not None
            key = loan.owner, loan.number
            if key in self._known:
                self._known.move_to_end(key)
                by_owner.setdefault(loan.owner, []).append((loan.number, sorted(loan.touched)))
            loan.touched.clear()
        for owner, told in by_owner.items():
            link = self._neighbours.followed.get(owner)
            if link is not None:
                link.send("touched", *told)

    def released(self, entry: Entry) -> None:
        """Nobody here reads the entry any more, and it answers nothing."""
        loan = entry.loan
        assert loan is not None
        key = loan.owner, loan.number
        if self._known.get(key) is not entry:
            # Of a former link: an owner that stayed alive may have lent it again since.
            return
        del self._known[key]
        self._blocks -= entry.count
        loan.end()
        self._say(loan, "released")

    def doubted(self, entry: Entry, block: int) -> None:
        """The file of a block is not what was written."""
        assert entry.loan is not None
        self._say(entry.loan, "doubted", block)

    def _learn(
        self, owner: int, number: int, disk: int, record: dict[str, Any], states: str, doubted: bool
    ) -> None:
        object_id = name_of(record["key"].encode("latin-1"))
        entry = entry_from(FoundObject(object_id, record, {}), self._holdings.disks[disk])
        assert entry is not None
        entry.loan = Loan(owner, number)
        entry.present[:] = decompress(b64decode(states))
        # Its owner's marks mean nothing here.
        entry.mark = NEVER_GOOD if doubted else self._holdings.trust.marks.newest
        self._known[owner, number] = entry
        self._blocks += entry.count
        self._holdings.borrow(entry)
        self._bound()

    def _set_state(self, entry: Entry, block: int, state: int) -> None:
        assert entry.loan is not None
        entry.present[block] = state
        if state == HELD:
            if block in entry.loan.waiting:
                entry.loan.settle(block, self._holdings.open_block(entry, block))
            return
        self._holdings.open_files.close(entry, block)
        if state != UNVERIFIED:
            entry.loan.settle(block, None)

    def _renew(self, entry: Entry, record: dict[str, Any]) -> None:
        newer = entry_from(FoundObject(entry.object_id, record, {}), entry.disk)
        assert newer is not None
        entry.renew(newer.head)

    def _question(self, entry: Entry) -> None:
        entry.mark = NEVER_GOOD
        entry.cool()
        # An answer on its way was given before its owner had this doubt.
        self._holdings.epochs.change(entry.key.partition(SEPARATOR)[0])

    def _say(self, loan: Loan, kind: str, *arguments: object) -> None:
        link = self._neighbours.followed.get(loan.owner)
        if link is not None:
            link.send(kind, loan.number, *arguments)

    def _is_full(self) -> bool:
        return len(self._known) > self._entries_max or self._blocks > self._blocks_max

    def _bound(self) -> None:
        for entry in list(self._known.values()) if self._is_full() else ():
            if not self._is_full():
                return
            if not (entry.readers or entry.growing):
                self._holdings.remove(entry, None)

    def _count(self) -> None:
        self._blocks = sum(entry.count for entry in self._known.values())
