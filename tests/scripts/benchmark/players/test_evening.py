"""Viewers stay within their films, and do what the reports say in about the shares they say."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scripts.benchmark.players.evening import Film, Programme, pieces_of_session


@given(st.integers(1, 300), st.integers())
def test_a_session_has_pieces_of_its_film_and_ends(count: int, seed: int) -> None:
    pieces = list(pieces_of_session(Film(1, "/f", count), random.Random(seed)))
    assert 1 <= len(pieces) <= count
    assert all(0 <= piece < count for piece in pieces)


def test_of_many_sessions_some_browse_some_see_the_end_and_some_seek() -> None:
    chance, film = random.Random(3), Film(1, "/f", 200)
    sessions = [list(pieces_of_session(film, chance)) for _ in range(2000)]
    short = sum(len(each) <= 20 for each in sessions)
    ended = sum(each[-1] == 199 for each in sessions)
    sought = sum(
        any(after != before + 1 for before, after in itertools.pairwise(each)) for each in sessions
    )
    assert 0.4 < short / 2000 < 0.65
    assert 0.2 < ended / 2000 < 0.45
    assert 0.05 < sought / 2000 < 0.15


def test_what_stands_higher_in_the_list_is_picked_more_often() -> None:
    films = [Film(number, f"/{number}", 5) for number in range(30)]
    programme, chance = Programme(films), random.Random(4)
    picked = Counter(programme.pick(chance).number for _ in range(5000))
    assert picked[0] > picked[3] > picked[29] > 0
