"""What may be served unasked, by how the journals are heard and when it was found good."""

from __future__ import annotations

from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.trust import (
    BEFORE_MARKS,
    NEVER_GOOD,
    NOTHING_GOOD,
    STEPS,
    UNMARKED,
    Event,
    Marks,
    State,
    Trust,
    format_marks,
    merged,
    parse_marks,
)

ORIGIN, OTHER = "origin", "other"


def made() -> Trust:
    numbers = count(1)
    return Trust(lambda: f"drawn-{next(numbers)}")


def marks(good: str, dealt: str = "") -> Marks:
    return Marks(frozenset(good.split()), frozenset(dealt.split()))


def test_every_state_knows_what_can_befall_it() -> None:
    unknown = {
        (state, event) for state, event in product(State, Event) if event not in STEPS[state]
    }
    assert unknown == {
        (State.HEARD, Event.FOUND),
        (State.BEHIND, Event.FOUND),
        # Who has no place has read nothing to its end.
        (State.ASTRAY, Event.CAUGHT_UP),
    }


def test_without_a_journal_everything_is_believed() -> None:
    assert not made().doubts(UNMARKED, is_followed=True)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.BEHIND),
        ([Event.CUT], State.BEHIND),
        ([Event.CAUGHT_UP], State.HEARD),
        ([Event.CAUGHT_UP, Event.CUT], State.BEHIND),
        ([Event.CAUGHT_UP, Event.CUT, Event.CUT, Event.CAUGHT_UP], State.HEARD),
        ([Event.LOST], State.ASTRAY),
        ([Event.CAUGHT_UP, Event.LOST, Event.CUT], State.ASTRAY),
        ([Event.LOST, Event.LOST, Event.FOUND], State.BEHIND),
        ([Event.LOST, Event.FOUND, Event.CAUGHT_UP], State.HEARD),
    ],
)
def test_what_a_journal_tells_of_is_believed_while_it_is_heard(
    events: list[Event], state: State
) -> None:
    trust = made()
    trust.follow(ORIGIN)
    for event in events:
        trust.tell(ORIGIN, event)
    assert trust.state_of(ORIGIN) is state
    assert trust.is_heard == (state is State.HEARD)
    assert trust.doubts(UNMARKED, is_followed=True) == (state is not State.HEARD)
    assert not trust.doubts(UNMARKED, is_followed=False)


def test_one_journal_that_is_not_heard_is_enough_for_doubt() -> None:
    trust = made()
    for each in (ORIGIN, OTHER):
        trust.follow(each)
    trust.tell(ORIGIN, Event.CAUGHT_UP)
    assert trust.doubts(UNMARKED, is_followed=True)
    trust.leave(OTHER)
    assert not trust.doubts(UNMARKED, is_followed=True)


def test_a_worker_that_is_behind_the_others_believes_nothing() -> None:
    trust, behind = made(), [True]
    trust.is_abreast = lambda: not behind[0]
    assert trust.doubts(UNMARKED, is_followed=False)
    behind[0] = False
    assert not trust.doubts(UNMARKED, is_followed=False)


def test_what_was_given_up_is_good_when_it_was_marked_anew() -> None:
    trust = made()
    trust.renounce()
    assert trust.doubts(UNMARKED, is_followed=False)
    assert not trust.doubts(trust.marks.newest, is_followed=False)
    before = trust.marks.newest
    trust.renounce()
    assert trust.doubts(before, is_followed=False)
    assert trust.doubts(NEVER_GOOD, is_followed=False)


def test_whoever_repeats_answers_hears_of_each_doubt() -> None:
    trust, doubts = made(), []
    trust.on_doubt = lambda: doubts.append(1)
    trust.follow(ORIGIN)
    assert len(doubts) == 1
    trust.tell(ORIGIN, Event.CAUGHT_UP)
    trust.tell(ORIGIN, Event.CAUGHT_UP)
    assert len(doubts) == 1
    trust.tell(ORIGIN, Event.CUT)
    trust.tell(ORIGIN, Event.CUT)
    assert len(doubts) == 2
    trust.renounce()
    assert len(doubts) == 3


@pytest.mark.parametrize(
    ("several", "expected"),
    [
        ([marks("a")], "a"),
        ([marks("a"), marks("b")], "a b"),
        ([marks("a b", "a b"), marks("c", "a b")], "c"),
        ([marks("c", "a b"), marks("d", "a b")], "c d"),
        ([marks("c", "a"), marks("a", "a b")], "c"),
        ([BEFORE_MARKS, BEFORE_MARKS], None),
    ],
)
def test_heirs_believe_what_no_worker_has_given_up(
    several: list[Marks], expected: str | None
) -> None:
    good = frozenset({UNMARKED}) if expected is None else frozenset(expected.split())
    assert merged(several) == Marks(good, good)


def test_when_each_has_given_up_what_the_other_believes_nothing_is_good() -> None:
    assert merged([marks("a", "b"), marks("b", "a")]) == NOTHING_GOOD


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30))
def test_no_heir_believes_what_its_owner_had_given_up(steps: list[tuple[int, bool]]) -> None:
    """Three workers lose places, and now and then everything changes hands."""
    numbers = count()
    workers = [Trust(lambda: str(next(numbers))) for _ in range(3)]
    held = [{UNMARKED} for _ in workers]
    good = [{UNMARKED} for _ in workers]
    for number, changes_hands in steps:
        if changes_hands:
            left = merged([each.marks for each in workers])
            given_up = set().union(*(each - ok for each, ok in zip(held, good, strict=True)))
            assert not left.good & given_up
            for each in workers:
                each.marks = left
            held, good = ([set().union(*held)] * 3, [set(left.good)] * 3)
            held, good = [set(each) for each in held], [set(each) for each in good]
        else:
            workers[number].renounce()
            good[number] = {workers[number].marks.newest}
            held[number].add(workers[number].marks.newest)


@pytest.mark.parametrize("given", [BEFORE_MARKS, NOTHING_GOOD, marks("a b", "c")])
def test_marks_are_read_as_they_are_written(given: Marks) -> None:
    assert parse_marks(format_marks(given)) == given


@pytest.mark.parametrize(
    "value",
    [
        {"good": ["a"]},
        {"good": "a", "dealt": []},
        {"good": [1], "dealt": []},
        {"good": [str(number) for number in range(1001)], "dealt": []},
        [],
    ],
)
def test_what_are_no_marks_is_refused(value: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_marks(value)
