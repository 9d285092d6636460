"""Two rules and a contest: LRU and title-aware LFU are both tried in shadow, the better decides.

No rule wins on all traffic: films have titles that stay popular, other traffic lives by what was
asked for just now. Both orders are kept over the blocks held, so a change of rule moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from edge.cache.policy.learned import NO_KIND, Contest, Learned
from edge.cache.policy.lru import Lru
from edge.cache.policy.order import Slots, Unit
from edge.cache.policy.shadow import Shadow
from edge.cache.policy.titlelfu import HALF_LIFE_SECONDS, TitleLfu

_LEAD: Final = 1.015
"""How much more LFU has to miss before LRU takes over: LFU writes a tenth and less."""
_UNITS_MAX: Final = 8_192
"""Units of a shadow at which the sample becomes smaller."""
_NARROWED_BY: Final = 4
_MIXER: Final = 0x9E3779B97F4A7C15


class Duel:
    """The sample is everything while the cache is small; later every so many-th block of a title.

    A title of fewer blocks is in the sample with one of them, or not at all: what is in it stands
    for as much as it leaves out, whatever the lengths of titles.
    """

    def __init__(
        self, slots: Slots, capacity_bytes: int, half_life_seconds: float = HALF_LIFE_SECONDS
    ) -> None:
        self._slots = slots
        self._capacity_bytes = capacity_bytes
        self._half_life = half_life_seconds
        self._lru = Lru(slots)
        self._titles = TitleLfu(slots, half_life_seconds)
        self._order: Lru | TitleLfu = self._titles
        self._every = 1
        self._lru_shadow, self._titles_shadow = self._shadows()

    @property
    def ruling(self) -> str:
        """The name of the rule that decides at the moment."""
        return self._order.name

    def ring_of(self, number: int) -> int:
        """LRU's."""
        return self._lru.ring

    def expect(self, number: int, blocks: int) -> None:
        """Told to those who know titles."""
        self._titles.expect(number, blocks)
        self._titles_shadow.expect(number, -(-blocks // self._every))

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """As the rule in charge says."""
        self._sample(unit, size_bytes, now)
        wanted = self._titles.asked(unit, size_bytes, has_room, now)
        return wanted or self._order is self._lru

    def entered(self, slot: int, now: float) -> None:
        """Both keep their order."""
        self._lru.entered(slot, now)
        self._titles.entered(slot, now)

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """Both keep their order."""
        self._titles.entered_all(number, blocks, now)

    def used(self, slot: int, now: float) -> None:
        """Both keep their order, and the contest goes on."""
        self._sample(self._slots.unit_at(slot), self._slots.sizes[slot], now)
        self._lru.used(slot, now)
        self._titles.used(slot, now)

    def next_out(self, now: float) -> int:
        """As the rule in charge says."""
        return self._order.next_out(now)

    def left(self, slot: int, evicted: bool) -> None:
        """Both keep their order."""
        self._lru.left(slot, evicted)
        self._titles.left(slot, evicted)

    def learned(self, now: float) -> Mapping[str, Learned]:
        """That of titles, and how the contest stands."""
        learned = self._titles.learned(now)[NO_KIND]
        missed = self._lru_shadow.missed_bytes, self._titles_shadow.missed_bytes
        contest = Contest(self.ruling, self._every, *missed)
        return {NO_KIND: replace(learned, contest=contest)}

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """The contest goes on from empty shadows, of which the one of titles knows the titles."""
        told = learned.get(NO_KIND)
        if told is None:
            return
        self._titles.take_over(told, now)
        if told.contest is not None:
            self._every = told.contest.every
            if told.contest.ruling == Lru.name:
                self._order = self._lru
        self._lru_shadow, self._titles_shadow = self._shadows(told, now)
        if told.contest is not None:
            self._lru_shadow.missed_bytes = told.contest.lru_missed_bytes
            self._titles_shadow.missed_bytes = told.contest.titles_missed_bytes

    def _sample(self, unit: Unit, size_bytes: int, now: float) -> None:
        number, block = unit
        every = self._every
        if (block + (number * _MIXER >> 32)) % every:
            return
        lru, titles = self._lru_shadow, self._titles_shadow
        unit = number, block // every
        lru.request(unit, size_bytes, now)
        titles.request(unit, size_bytes, now)
        if self._order is self._titles:
            if titles.missed_bytes > lru.missed_bytes * _LEAD:
                self._order = self._lru
        elif titles.missed_bytes < lru.missed_bytes:
            self._order = self._titles
        if len(lru) > _UNITS_MAX:
            self._every *= _NARROWED_BY
            self._lru_shadow, self._titles_shadow = self._shadows()

    def _shadows(self, learned: Learned | None = None, now: float = 0.0) -> tuple[Shadow, Shadow]:
        """Both empty, so that neither has a start on the other."""
        half_life, capacity = self._half_life, self._capacity_bytes // self._every

        def make_titles(slots: Slots, _: int) -> TitleLfu:
            order = TitleLfu(slots, half_life)
            if learned is not None:
                order.take_over(learned, now, self._every)
            return order

        titles = Shadow(capacity, make_titles)
        for number, blocks in self._titles.lengths():
            titles.expect(number, -(-blocks // self._every))
        return Shadow(capacity, lambda slots, _: Lru(slots)), titles
