"""A worker knows that others stopped waiting for it, whatever it has heard before."""

from __future__ import annotations

import pytest

from edge.box.abreast import CHANGES, WORDS, Abreast, cells_for


def made(workers: int = 3) -> list[Abreast]:
    cells = memoryview(bytearray(8 * cells_for(workers))).cast("Q")
    return [Abreast(number, cells) for number in range(workers)]


def test_nobody_is_behind_where_nothing_was_given_up() -> None:
    assert all(each.is_abreast() for each in made())


@pytest.mark.parametrize("kind", [CHANGES, WORDS])
def test_who_has_not_heard_what_was_given_up_is_behind_until_it_has(kind: int) -> None:
    giver, late, prompt = made()
    prompt.heard(0, kind, 7)
    giver.give_up(kind, 7)
    assert (giver.is_abreast(), late.is_abreast(), prompt.is_abreast()) == (True, False, True)
    late.heard(0, kind, 6)
    late.heard(0, 1 - kind, 7)
    late.heard(2, kind, 7)
    assert not late.is_abreast()
    late.heard(0, kind, 7)
    assert late.is_abreast()


def test_what_was_given_up_stays_so_and_what_was_heard_too() -> None:
    giver, late, _ = made()
    giver.give_up(CHANGES, 7)
    giver.give_up(CHANGES, 3)
    late.heard(0, CHANGES, 6)
    assert not late.is_abreast()
    late.heard(0, CHANGES, 9)
    late.heard(0, CHANGES, 2)
    assert late.is_abreast()
    giver.give_up(CHANGES, 8)
    assert late.is_abreast()
    giver.give_up(CHANGES, 10)
    assert not late.is_abreast()


def test_what_a_former_life_gave_up_is_missed_by_who_had_not_heard_it() -> None:
    cells = memoryview(bytearray(8 * cells_for(3))).cast("Q")
    giver, late, prompt = (Abreast(number, cells) for number in range(3))
    prompt.heard(0, CHANGES, 7)
    giver.give_up(CHANGES, 7)
    assert prompt.meets(0)
    again = Abreast(0, cells)
    again.give_up(CHANGES, 9)
    assert prompt.meets(0)
    assert not late.meets(0)
    assert not prompt.is_abreast()
    assert not late.is_abreast()
    for each in (prompt, late):
        each.heard(0, CHANGES, 9)
        assert each.is_abreast()
        assert each.meets(0)
