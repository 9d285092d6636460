"""What workers leave for each other is read whole, or as it was read last."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial

from cdnkit.cmcd import OBJECT_TYPES, STREAM_TYPES, Report
from cdnkit.playing import BUFFER_BOUNDS_MS, TITLES_MAX, Playing
from cdnkit.titles import NAME_LENGTH_MAX
from edge.scoreboard import Scoreboard, Tally
from edge.totals import Totals


def counted(fills: int, held: int = 0) -> Totals:
    return Totals(
        requests=Counter({("hit", "", 200): fills}),
        counts=Counter(fills=fills),
        levels=Counter(held=held),
    )


def test_each_worker_has_a_page_of_its_own() -> None:
    board = Scoreboard(3)
    assert board.of(0) == Totals()
    assert not board.has_published(2)
    for number in range(3):
        assert board.publish(number, counted(number + 1))
    assert [board.of(number).counts["fills"] for number in range(3)] == [1, 2, 3]
    assert [each.counts["fills"] for each in board.of_others(1)] == [1, 3]
    assert board.has_published(2)


def test_a_forked_worker_is_heard_by_the_others() -> None:
    board = Scoreboard(2)
    pid = os.fork()
    if not pid:
        board.publish(1, counted(7))
        os._exit(0)
    os.waitpid(pid, 0)
    assert board.of(1) == counted(7)


def test_a_page_half_written_gives_what_was_read_last() -> None:
    board = Scoreboard(1)
    board.publish(0, counted(5))
    assert board.of(0) == counted(5)
    board._memory[20:24] = b"@@@@"
    assert board.of(0) == counted(5)
    board._memory[:4] = b"\xff\xff\xff\xff"
    assert board.of(0) == counted(5)


def test_totals_beyond_the_page_are_not_left() -> None:
    board = Scoreboard(2)
    board.publish(0, counted(1))
    many = Totals(requests=Counter({("hit", "x" * 50, status): 1 for status in range(10_000)}))
    assert not board.publish(0, many)
    assert board.of(0) == counted(1)
    assert not board.has_published(1)


def test_a_worker_goes_on_from_the_counts_of_the_one_before_it() -> None:
    board = Scoreboard(2, 5.0)
    board.publish(0, counted(10, held=3))
    board.publish(1, counted(100, held=50))
    tally = Tally(lambda: counted(1, held=2), board, 0)
    for _ in range(2):
        tally.publish()
        assert board.of(0) == counted(11, held=2)
        assert tally.of_all() == counted(111, held=52)
    assert tally.began_at == 5.0


def told_of_everything(life: int) -> Totals:
    """What players can make a worker count: as many titles as it knows, of the longest names."""
    playing = Playing()
    for number in range(TITLES_MAX + 5):
        title = f"{life}-{number:02}".ljust(NAME_LENGTH_MAX, '"')
        for kind in range(9):
            stream, bound = STREAM_TYPES[kind % 3], (*BUFFER_BOUNDS_MS, 10**9)[kind]
            said = ("s", "", True, True, True, bound, 10**9, 10**9, 10**9, 2.0)
            playing.take(title, Report(*said, stream, OBJECT_TYPES[kind]), 0.0)
    players = Counter(
        {(title, name): n for title, told in playing.by_title.items() for name, n in told.items()}
    )
    return Totals(players=players)


def test_whatever_players_tell_there_is_room_for_it_after_any_number_of_lives() -> None:
    board = Scoreboard(1)
    for life in range(1, 5):
        assert board.publish(0, Tally(partial(told_of_everything, life), board, 0)._sum())
        reports = sum(n for (_, name), n in board.of(0).players.items() if name == "reports")
        assert reports == life * 9 * (TITLES_MAX + 5)
