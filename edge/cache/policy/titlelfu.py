"""Title-aware LFU: a block is worth what its title is asked for, times how many come that far.

A title's score is its requests, halved with every half-life, and outlives its blocks; so a film
is known long before a block of it has been asked for twice. What leaves is the last block of the
title whose last block is worth least, and nothing comes in that is worth less than that. Scores
are kept as log2 of requests counted in units that grow with time: nothing ever has to be decayed.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from math import log2
from typing import Final

from edge.cache.policy.learned import NEVER, NO_KIND, Learned
from edge.cache.policy.order import NONE, Slots, Unit
from edge.cache.policy.slots import PINNED
from edge.cache.policy.survival import Survival

HALF_LIFE_SECONDS: Final = 3 * 86_400.0
_RECORD_BITS: Final = 32
_RECORD_MASK: Final = (1 << _RECORD_BITS) - 1
_STEPS: Final = 1 << 24
"""Steps of a worth between powers of two, as the heap sees it."""
_LIFT: Final = 256.0
"""Makes every worth positive."""
_FAR: Final = 60.0
"""A score that is so much lower adds nothing."""
_STIRRED: Final = 1
"""Asked for since it was looked at last."""
_ENLISTED: Final = 2
"""In the list of titles without blocks."""
_GHOSTS_MIN: Final = 16_384


class TitleLfu:
    """Titles in flat arrays, 29 bytes each besides a dict; a heap of those that have blocks.

    A title is the number of its entry, which has to stay the same from one version of it to the
    next and while nothing of it is held.
    """

    name = "titlelfu"

    def __init__(self, slots: Slots, half_life_seconds: float = HALF_LIFE_SECONDS) -> None:
        self._slots = slots
        self._half_life = half_life_seconds
        self._survival = Survival()
        self._records: dict[int, int] = {}
        self._numbers = array("Q")
        self._scores = array("d")
        self._blocks = array("I")
        self._held = array("I")
        # No block from here on is held, and in the order.
        self._tails = array("I")
        self._states = bytearray()
        self._ghosts: deque[int] = deque()
        self._free: list[int] = []
        # Worth of a last block, then the record. It may be too low, for scores rise unseen.
        self._heap: list[int] = []
        self._with_blocks = 0
        self._ghosts_min = _GHOSTS_MIN

    @property
    def ruling(self) -> str:
        """The name of the rule."""
        return self.name

    def ring_of(self, number: int) -> int:
        """None: the heap is its order."""
        return NONE

    def expect(self, number: int, blocks: int) -> None:
        """A title that nobody has asked for yet is worth nothing."""
        record = self._records.get(number)
        if record is None:
            record = self._new(number)
            self._enlist(record)
        self._blocks[record] = max(blocks, 1)

    def lengths(self) -> Iterator[tuple[int, int]]:
        """Titles and how many blocks each has."""
        return ((number, self._blocks[record]) for number, record in self._records.items())

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """Kept when there is room, or when it is worth more than all that would have to go."""
        record = self._note(unit, now)
        if has_room:
            return True
        worth = self._worth(record, unit[1])
        return worth > self._coldest_worth()

    def entered(self, slot: int, now: float) -> None:
        """The title may have a new last block."""
        number, block = self._slots.unit_at(slot)
        record = self._records.get(number)
        if record is None:
            record = self._new(number)
        self._add(record, 1, block)

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """Found at a start: each block was asked for at least once."""
        record = self._records.get(number)
        if record is None:
            record = self._new(number)
        if self._scores[record] == NEVER:
            self._scores[record] = now / self._half_life + log2(len(blocks))
        self._add(record, len(blocks), max(blocks))

    def used(self, slot: int, now: float) -> None:
        """A request more for the title."""
        self._note(self._slots.unit_at(slot), now)

    def next_out(self, now: float) -> int:
        """The last block of the title whose last block is worth least."""
        record = self._coldest()
        if record is None:
            return NONE
        return self._last_slot(record)

    def left(self, slot: int, evicted: bool) -> None:
        """The title keeps its score, without blocks as long as there is room for its name."""
        number, block = self._slots.unit_at(slot)
        record = self._records[number]
        self._held[record] -= 1
        if block + 1 == self._tails[record]:
            self._tails[record] = block
        if not self._held[record]:
            self._with_blocks -= 1
            self._tails[record] = 0
            self._enlist(record)

    def learned(self, now: float) -> Mapping[str, Learned]:
        """Copies of arrays; `strongest` leaves out those that nobody has asked for."""
        columns = self._numbers[:], self._scores[:], self._blocks[:]
        moment = now / self._half_life
        return {NO_KIND: Learned(now, *columns, *self._survival.learned(), moment)}

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """Titles without blocks; as many as there were are remembered."""
        if NO_KIND in learned:
            self.take_over(learned[NO_KIND], now)

    def take_over(self, learned: Learned, now: float, every: int = 1) -> None:
        """The same where units stand for `every` blocks."""
        assert not self._records
        moment = min(learned.at, now) / self._half_life - learned.moment
        count = len(learned.numbers)
        self._numbers = learned.numbers[:]
        self._scores = array("d", [score + moment for score in learned.scores])
        self._blocks = array("I", [-(-blocks // every) for blocks in learned.blocks])
        self._held, self._tails = array("I", bytes(4 * count)), array("I", bytes(4 * count))
        self._states = bytearray([_ENLISTED]) * count
        self._records = dict(zip(learned.numbers, range(count), strict=True))
        self._ghosts_min = max(self._ghosts_min, count)
        # Those that were asked for least are the first to be forgotten.
        self._ghosts = deque(sorted(range(count), key=self._scores.__getitem__))
        self._survival.relearn(learned.steps, learned.counted)

    def _note(self, unit: Unit, now: float) -> int:
        number, block = unit
        record = self._records.get(number)
        if record is None:
            record = self._new(number)
            self._enlist(record)
        self._states[record] |= _STIRRED
        # log2(2**score + 2**moment)
        moment, score = now / self._half_life, self._scores[record]
        ahead = moment - score
        if ahead > _FAR:
            self._scores[record] = moment
        elif ahead > -_FAR:
            self._scores[record] = score + log2(1 + 2**ahead)
        blocks = self._blocks[record]
        if block >= blocks:
            blocks = self._blocks[record] = block + 1
        self._survival.learn(block, blocks)
        return record

    def _new(self, number: int) -> int:
        if self._free:
            record = self._free.pop()
            self._numbers[record] = number
            self._states[record] = 0
        else:
            record = len(self._numbers)
            self._numbers.append(number)
            self._scores.append(0.0)
            self._blocks.append(1)
            self._held.append(0)
            self._tails.append(0)
            self._states.append(0)
        self._scores[record] = NEVER
        self._blocks[record] = 1
        self._records[number] = record
        return record

    def _add(self, record: int, count: int, last: int) -> None:
        if not self._held[record]:
            self._with_blocks += 1
        self._held[record] += count
        if last >= self._blocks[record]:
            self._blocks[record] = last + 1
        if last >= self._tails[record]:
            self._tails[record] = last + 1
            heappush(self._heap, self._key(record))
            if len(self._heap) > 2 * self._with_blocks + 64:
                self._rebuild()

    def _worth(self, record: int, block: int) -> float:
        return self._scores[record] + self._survival.worth(block, self._blocks[record])

    def _key(self, record: int) -> int:
        worth = self._worth(record, self._tails[record] - 1)
        return int((worth + _LIFT) * _STEPS) << _RECORD_BITS | record

    def _coldest(self) -> int | None:
        """The title at the top of the heap, after what has risen since was put where it belongs."""
        heap = self._heap
        while heap:
            top = heap[0]
            record = top & _RECORD_MASK
            if not self._held[record]:
                heappop(heap)
                continue
            self._last_slot(record)
            key = self._key(record)
            if key <= top:
                return record
            heapreplace(heap, key)
        return None

    def _coldest_worth(self) -> float:
        record = self._coldest()
        return float("-inf") if record is None else self._worth(record, self._tails[record] - 1)

    def _last_slot(self, record: int) -> int:
        """The slot of a title's last block that may go."""
        slots, tail = self._slots, self._tails[record]
        places = slots.blocks_of(self._numbers[record])
        while places[tail] == NONE or slots.marks[places[tail]] & PINNED:
            tail -= 1
        self._tails[record] = tail
        return places[tail]

    def _rebuild(self) -> None:
        records = {key & _RECORD_MASK for key in self._heap}
        self._heap = [self._key(record) for record in records if self._held[record]]
        heapify(self._heap)

    def _enlist(self, record: int) -> None:
        """A title without blocks; the names of some go when there are many, longest unasked first.

        The list may hold titles that have blocks again, but none twice.
        """
        ghosts, states = self._ghosts, self._states
        if not states[record] & _ENLISTED:
            states[record] = _ENLISTED
            ghosts.append(record)
        while len(ghosts) > max(self._ghosts_min, 2 * self._with_blocks):
            record = ghosts.popleft()
            if self._held[record]:
                states[record] = 0
            elif states[record] & _STIRRED:
                states[record] = _ENLISTED
                ghosts.append(record)
            else:
                del self._records[self._numbers[record]]
                self._scores[record] = NEVER
                self._free.append(record)
