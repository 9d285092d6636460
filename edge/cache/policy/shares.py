"""Shares of a disk: kinds of content do not push each other out, but lend what they do not use.

Each kind has a rule of its own over its units. When room is needed, the kind that is furthest above
its share gives it, as pools of CacheLib do (Berg et al., OSDI 2020); a kind below its share loses
nothing, and what one leaves unused the others fill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.cache.index import MakeOrder
from edge.cache.policy.kinds import Kinds
from edge.cache.policy.learned import NO_KIND, Learned
from edge.cache.policy.order import NONE, Order, Slots, Unit


class Shares:
    """A rule made of one for each kind; `shares` are parts of one, that of kind 0 first.

    Bytes count that may go: what is pinned stands outside of all shares.
    """

    def __init__(
        self,
        slots: Slots,
        capacity_bytes: int,
        make_order: MakeOrder,
        shares: Sequence[float],
        kinds: Kinds,
    ) -> None:
        self._slots = slots
        self._kinds = kinds
        self._room_bytes = [max(int(capacity_bytes * share), 1) for share in shares]
        self._held_bytes = [0] * len(shares)
        kinds.room_bytes, kinds.held_bytes = self._room_bytes, self._held_bytes
        self._orders: list[Order] = [make_order(slots, room) for room in self._room_bytes]
        self._giving = 0

    @property
    def ruling(self) -> str:
        """The name of the rule that decides for the kind that gave room last."""
        return self._orders[self._giving].ruling

    @property
    def held_bytes(self) -> Sequence[int]:
        """What may go of each kind."""
        return self._held_bytes

    def ring_of(self, number: int) -> int:
        """That of the kind's rule."""
        return self._orders[self._kinds.of(number)].ring_of(number)

    def expect(self, number: int, blocks: int) -> None:
        """Told to the kind's rule."""
        self._orders[self._kinds.of(number)].expect(number, blocks)

    def asked(self, unit: Unit, size_bytes: int, has_room: bool, now: float) -> bool:
        """As the kind's rule says; within its share there is room, whoever uses it meanwhile."""
        kind = self._kinds.of(unit[0])
        is_within = self._held_bytes[kind] + size_bytes <= self._room_bytes[kind]
        return self._orders[kind].asked(unit, size_bytes, has_room or is_within, now)

    def entered(self, slot: int, now: float) -> None:
        """One unit more of its kind."""
        kind = self._kind_at(slot)
        self._held_bytes[kind] += self._slots.sizes[slot]
        self._orders[kind].entered(slot, now)

    def entered_all(self, number: int, blocks: Sequence[int], now: float) -> None:
        """They are the last slots there are."""
        kind = self._kinds.of(number)
        self._held_bytes[kind] += len(blocks) * self._slots.sizes[-1]
        self._orders[kind].entered_all(number, blocks, now)

    def used(self, slot: int, now: float) -> None:
        """Told to the kind's rule."""
        self._orders[self._kind_at(slot)].used(slot, now)

    def next_out(self, now: float) -> int:
        """Of the kind that is furthest above its share, and has something that may go."""
        held = self._held_bytes
        fill = [size / room for size, room in zip(held, self._room_bytes, strict=True)]
        for kind in sorted(range(len(fill)), key=fill.__getitem__, reverse=True):
            slot = self._orders[kind].next_out(now) if held[kind] else NONE
            if slot != NONE:
                self._giving = kind
                return slot
        return NONE

    def left(self, slot: int, evicted: bool) -> None:
        """One unit less of its kind."""
        kind = self._kind_at(slot)
        self._held_bytes[kind] -= self._slots.sizes[slot]
        self._orders[kind].left(slot, evicted)

    def learned(self, now: float) -> Mapping[str, Learned]:
        """That of each kind, by its name."""
        named = zip(self._kinds.names, self._orders, strict=True)
        every = {name: order.learned(now).get(NO_KIND) for name, order in named}
        return {name: learned for name, learned in every.items() if learned is not None}

    def relearn(self, learned: Mapping[str, Learned], now: float) -> None:
        """Each kind what was of its name; what is no kind any more is forgotten."""
        for name, order in zip(self._kinds.names, self._orders, strict=True):
            if name in learned:
                order.relearn({NO_KIND: learned[name]}, now)

    def _kind_at(self, slot: int) -> int:
        return self._kinds.of(self._slots.unit_at(slot)[0])


def sharing(make_order: MakeOrder, shares: Sequence[float], kinds: Kinds) -> MakeOrder:
    """The same rule for each kind of content; `shares` are those of kinds from 1 on."""
    every = [1.0 - sum(shares), *shares]
    return lambda slots, capacity_bytes: Shares(slots, capacity_bytes, make_order, every, kinds)
