"""Which of what is held may be served unasked: that is asked when it is used. Pure.

Who follows a journal without a gap knows of each change. While one is not heard nothing behind it
is served unasked; what it has told from the kept place on, once it is heard again, makes good what
was held all the time. Where the place was lost (another journal, a gap, none kept) that can be said
of nothing held then. So every entry has a *mark*, that of the time in which it was stored or last
found unchanged; a place found anew begins another time, and older marks are good no more until
each entry was asked for. Marks are drawn, never counted: one that was given away and not written
down must not come back.

    HEARD    a page has said that there is no more
    BEHIND   it is read, or cannot be, from a place that was kept
    ASTRAY   there is no place to read on from
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

UNMARKED: Final = ""
"""The mark of what was written down before there were marks."""
NEVER_GOOD: Final = "-"
"""The mark of what was in doubt when it came; none that is drawn."""
_MARKS_MAX: Final = 1000


class State(enum.Enum):
    """How well a journal is heard."""

    HEARD = "heard"
    BEHIND = "behind"
    ASTRAY = "astray"


class Event(enum.Enum):
    """What befalls who follows a journal."""

    CAUGHT_UP = "caught-up"
    CUT = "cut"
    LOST = "lost"
    """Its place, not the connection."""
    FOUND = "found"
    """A place to read on from; what was before it is not known."""


STEPS: Final = {
    State.HEARD: {
        Event.CAUGHT_UP: State.HEARD,
        Event.CUT: State.BEHIND,
        Event.LOST: State.ASTRAY,
    },
    State.BEHIND: {
        Event.CAUGHT_UP: State.HEARD,
        Event.CUT: State.BEHIND,
        Event.LOST: State.ASTRAY,
    },
    State.ASTRAY: {
        Event.CUT: State.ASTRAY,
        Event.LOST: State.ASTRAY,
        Event.FOUND: State.BEHIND,
    },
}


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks that are `good`. `dealt` are those that all workers began with: one that is not good
    any more is what another worker may still hold for good."""

    good: frozenset[str]
    dealt: frozenset[str]

    @property
    def newest(self) -> str:
        """The mark of what is found good now."""
        return min(self.good)


NOTHING_GOOD: Final = Marks(frozenset(), frozenset())
BEFORE_MARKS: Final = Marks(frozenset({UNMARKED}), frozenset({UNMARKED}))


def merged(several: Collection[Marks]) -> Marks:
    """Marks for the heirs of several workers, whoever of them will own what."""
    good = frozenset().union(*(each.good for each in several))
    given_up = frozenset().union(*(each.dealt - each.good for each in several))
    left = good - given_up
    return Marks(left, left)


def format_marks(marks: Marks) -> dict[str, list[str]]:
    """JSON values of marks."""
    return {"good": sorted(marks.good), "dealt": sorted(marks.dealt)}


def parse_marks(value: Any) -> Marks:
    """The reverse of `format_marks`. Raises KeyError, TypeError."""
    return Marks(_texts(value["good"]), _texts(value["dealt"]))


class Trust:
    """Of one worker. `draw` gives a mark that nobody has had; `on_doubt` is called when what was
    good a moment ago may not be any more."""

    def __init__(self, draw: Callable[[], str], marks: Marks = BEFORE_MARKS) -> None:
        self.marks = marks
        self.on_doubt: Callable[[], None] = _nothing
        self.is_heard = True
        """Whether every journal that is followed is."""
        self.is_abreast: Callable[[], bool] = _always
        """Whether all was heard that other workers of the box no longer wait for us to hear."""
        self._draw = draw
        self._states: dict[object, State] = {}

    def doubts(self, mark: str, *, is_followed: bool) -> bool:
        """Whether an entry has to be asked for; `is_followed` says that a journal tells of it."""
        if mark not in self.marks.good or (is_followed and not self.is_heard):
            return True
        return not self.is_abreast()

    def mark(self, *, is_good: bool) -> str:
        """Of what was stored or asked for just now."""
        return self.marks.newest if is_good else NEVER_GOOD

    def follow(self, follower: object) -> None:
        """A journal will be followed: nothing is known of it before it has been heard."""
        self._states[follower] = State.BEHIND
        self._look()

    def leave(self, follower: object) -> None:
        """Who follows no more can miss nothing."""
        self._states.pop(follower, None)
        self._look()

    def state_of(self, follower: object) -> State:
        """How well a follower hears its journal."""
        return self._states[follower]

    def tell(self, follower: object, event: Event) -> None:
        """Something has befallen a follower."""
        self._states[follower] = STEPS[self._states[follower]][event]
        self._look()

    def renounce(self) -> None:
        """Nothing that is held now is good before it was asked for."""
        self.marks = Marks(frozenset({self._draw()}), self.marks.dealt)
        self.on_doubt()

    def _look(self) -> None:
        was_heard = self.is_heard
        self.is_heard = all(state is State.HEARD for state in self._states.values())
        if was_heard and not self.is_heard:
            self.on_doubt()


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, list) or len(value) > _MARKS_MAX:
        raise TypeError("not a list of marks")
    return frozenset(_text(each) for each in value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a mark")
    return value


def _always() -> bool:
    """A worker alone."""
    return True


def _nothing() -> None:
    """Nobody has to hear of it."""
