"""A few players at real servers, with floods, and what makes a run fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark.players.__main__ import Part, Result, make_parser, parts_of, run
from scripts.benchmark.players.notes import Notes, Use, render

FLAT = Use(0.1, (1 << 20, 1 << 20), (9, 9))


def test_with_floods_the_second_half_has_them() -> None:
    words = ["--seconds", "60", "--coming", "10"]
    assert parts_of(make_parser().parse_args(words)) == [Part("quiet", 10, 70)]
    words += ["--floods", "slow-heads,connections"]
    assert parts_of(make_parser().parse_args(words)) == [
        Part("quiet", 10, 40),
        Part("flooded", 40, 70, ["slow-heads", "connections"]),
    ]


def test_problems_and_growth_make_a_run_wrong() -> None:
    notes = Notes()
    notes.problems["x"] += 1
    grown = Use(0.1, (1 << 20, 1 << 30), (9, 9))
    result = Result({"quiet": (1.0, notes)}, {"quiet": {"edge": grown, "router": FLAT}})
    assert result.wrong() == ["quiet: players had problems", "quiet: edge grows"]
    assert Result({"quiet": (1.0, Notes())}, {"quiet": {"edge": FLAT}}).wrong() == []


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_every_byte_that_players_take_beside_floods_is_the_films(tmp_path: Path) -> None:
    words = "--players 30 --seconds 8 --coming 1 --films 3 --film 1MiB --piece-seconds 0.2"
    words += " --floods slow-heads,slow-readers --harmful 5"
    result = run(tmp_path, make_parser().parse_args(words.split()))
    told = render(result.notes, result.uses)
    for _, notes in result.notes.values():
        assert notes.problems == {}, told
        assert notes.pieces, told
    assert all({"origin", "edge-fra", "router"} <= uses.keys() for uses in result.uses.values())
