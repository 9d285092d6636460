"""What a cache of each size makes of a catalogue: its hit ratio, and what it has to ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from scripts.capacity.demand import Catalogue
from scripts.capacity.hits import Measured, held_shares, hit_ratio, missed
from scripts.capacity.popularity import Class, classes_of


@dataclass(slots=True)
class Cache:
    """What caches make of a catalogue, by what they hold; each size is reckoned once."""

    catalogue: Catalogue
    policy: str
    measured: Measured | None = None
    classes: tuple[Class, ...] = field(init=False)
    _known: dict[float, tuple[float, tuple[Class, ...]]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        c = self.catalogue
        self.classes = classes_of(c.popularity, c.titles, c.title_bytes, c.reach)

    @property
    def bytes(self) -> int:
        """Of the whole catalogue."""
        return self.catalogue.titles * self.catalogue.title_bytes

    def answers(self, held_bytes: float) -> tuple[float, tuple[Class, ...]]:
        """The hit ratio of a cache that holds so much, and what it has to ask for."""
        if held_bytes not in self._known:
            if self.measured is None:
                shares = held_shares(self.classes, held_bytes, self.policy)
                ratio = hit_ratio(self.classes, shares)
            else:
                ratio = self.measured.ratio(min(1.0, held_bytes / self.bytes))
                shares = [ratio] * len(self.classes)
            self._known[held_bytes] = ratio, missed(self.classes, shares)
        return self._known[held_bytes]
