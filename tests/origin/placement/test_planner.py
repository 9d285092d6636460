"""Claims about plans, for any films, edges and budgets that chance makes."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from origin.placement.planner import Film, Placed, Plan, Reason, Spot, Terms, plan, worth

PIECE = 10


@dataclass(frozen=True)
class World:
    films: list[Film]
    spots: list[Spot]
    demand: dict[str, dict[str, float]]
    held: dict[str, dict[str, int]]
    terms: Terms

    def plan(self) -> Plan:
        return plan(self.films, self.spots, self.demand, self.held, self.terms)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Small numbers, so that ties, full edges and empty budgets are common."""
    sizes = draw(st.lists(st.integers(1, 60), min_size=1, max_size=6))
    films = [Film(f"f{number}", size) for number, size in enumerate(sizes)]
    small = st.integers(0, 12).map(lambda pieces: pieces * PIECE)
    spots = [
        Spot(f"e{number}", draw(small), draw(small), draw(st.sampled_from((0.5, 1.0, 3.0))))
        for number in range(draw(st.integers(1, 3)))
    ]
    names = [film.name for film in films]
    demand = {
        spot.name: draw(st.dictionaries(st.sampled_from(names), st.integers(0, 200), max_size=6))
        for spot in spots
    }
    held = {
        spot.name: {
            name: draw(st.integers(0, 60))
            for name in draw(st.sets(st.sampled_from([*names, "gone"]), max_size=4).map(sorted))
        }
        for spot in spots
    }
    terms = Terms(
        PIECE,
        draw(st.none() | small),
        draw(st.sampled_from((0.0, 0.25, 1.0))),
        draw(st.sampled_from((0.0, 0.1, 2.0))),
        draw(st.sampled_from(((1.0,), (4.0, 2.0, 1.0), (1.0, 3.0, 0.0)))),
    )
    return World(films, spots, {e: dict(d) for e, d in demand.items()}, held, terms)


def pieces(size_bytes: int) -> int:
    return -(-size_bytes // PIECE)


@given(worlds())
def test_no_plan_is_over_any_budget(world: World) -> None:
    rows = world.plan()
    fetched = 0
    for spot in world.spots:
        placed = rows[spot.name]
        assert sum(each.stop_bytes for each in placed) <= spot.room_bytes
        assert sum(each.fetched_bytes for each in placed) <= spot.night_bytes
        fetched += sum(each.fetched_bytes for each in placed)
    if world.terms.night_bytes is not None:
        assert fetched <= world.terms.night_bytes


@given(worlds(), st.integers(0, 9))
def test_the_order_in_which_things_are_told_changes_nothing(world: World, seed: int) -> None:
    chance = random.Random(seed)
    other = replace(
        world,
        films=chance.sample(world.films, len(world.films)),
        spots=chance.sample(world.spots, len(world.spots)),
        demand={
            edge: dict(chance.sample(list(each.items()), len(each)))
            for edge, each in world.demand.items()
        },
        held={
            edge: dict(chance.sample(list(each.items()), len(each)))
            for edge, each in world.held.items()
        },
    )
    assert world.plan() == other.plan()


@given(worlds())
def test_no_plan_is_worth_less_than_doing_nothing(world: World) -> None:
    idle = [replace(spot, night_bytes=0) for spot in world.spots]
    still = replace(world, spots=idle)
    assert not any(each.fetched_bytes for rows in still.plan().values() for each in rows)
    # Of each piece at most half a byte is lost in rounding.
    slack = 3 * len(world.films)
    assert worth(world.plan(), world.spots) >= worth(still.plan(), world.spots) - slack


@given(worlds(), st.integers(0, 60), st.sampled_from(("room", "night", "all")))
def test_more_budget_never_brings_less(world: World, more: int, which: str) -> None:
    if which == "all":
        budget = world.terms.night_bytes
        grown = None if budget is None else budget + more
        other = replace(world, terms=replace(world.terms, night_bytes=grown))
    else:
        name = f"{which}_bytes"
        spots = [replace(spot, **{name: getattr(spot, name) + more}) for spot in world.spots]
        other = replace(world, spots=spots)
    slack = 3 * len(world.films)
    assert worth(other.plan(), world.spots) >= worth(world.plan(), world.spots) - slack


@given(worlds())
def test_what_is_placed_is_a_beginning_of_a_film_that_exists(world: World) -> None:
    sizes = {film.name: film.size_bytes for film in world.films}
    for edge, rows in world.plan().items():
        assert len({each.film for each in rows}) == len(rows)
        for each in rows:
            assert 0 <= each.stop_bytes <= sizes.get(each.film, 0)
            assert each.expected_bytes <= world.demand[edge].get(each.film, 0) + 1
            if each.reason is Reason.GONE:
                assert each.film not in sizes


ONE = Spot("e", 2 * PIECE, 10 * PIECE)
FILMS = [Film("a", 2 * PIECE), Film("b", 2 * PIECE), Film("c", PIECE)]


def placed(demand: dict[str, float], held: dict[str, int], terms: Terms) -> dict[str, Placed]:
    rows = plan(FILMS, [ONE], {"e": demand}, {"e": held}, terms)["e"]
    return {each.film: each for each in rows}


def test_a_newcomer_must_be_worth_more_by_the_margin() -> None:
    terms = Terms(PIECE, churn_margin=0.25)
    held = {"a": 2 * PIECE}
    same = placed({"a": 200, "b": 240}, held, terms)
    assert same["a"].reason is Reason.KEPT
    assert "b" not in same
    other = placed({"a": 200, "b": 260}, held, terms)
    assert (other["a"].reason, other["a"].dropped_bytes) == (Reason.DISPLACED, 2 * PIECE)
    assert (other["b"].reason, other["b"].fetched_bytes) == (Reason.WANTED, 2 * PIECE)


def test_beginnings_come_before_ends_that_few_reach() -> None:
    found = placed({"a": 100, "b": 90}, {}, Terms(PIECE, curve=(3.0, 1.0)))
    assert {name: each.stop_bytes for name, each in found.items()} == {"a": PIECE, "b": PIECE}
    assert found["a"].expected_bytes == 75


def test_what_is_watched_at_the_end_was_passed_on_the_way_there() -> None:
    spot = Spot("e", PIECE, PIECE)
    terms = Terms(PIECE, curve=(1.0, 3.0))
    (row,) = plan(FILMS, [spot], {"e": {"a": 100.0}}, {}, terms)["e"]
    assert row.expected_bytes == 50


def test_a_film_nobody_watches_to_its_end_is_not_fetched_whole() -> None:
    found = placed({"a": 100}, {}, Terms(PIECE, curve=(1.0, 0.0)))
    assert found["a"].stop_bytes == PIECE


def test_what_is_not_asked_for_often_enough_does_not_come() -> None:
    assert not placed({"a": 2 * PIECE * 0.5}, {}, Terms(PIECE, worth_min=0.6))
    assert placed({"a": 2 * PIECE * 0.5}, {}, Terms(PIECE, worth_min=0.4))


def test_what_all_edges_may_fetch_goes_to_the_one_with_the_dearest_way() -> None:
    spots = [Spot("far", 5 * PIECE, 5 * PIECE, 3.0), Spot("near", 5 * PIECE, 5 * PIECE)]
    demand = {"far": {"a": 100.0}, "near": {"a": 200.0}}
    found = plan(FILMS, spots, demand, {}, Terms(PIECE, night_bytes=2 * PIECE))
    assert [each.film for each in found["far"]] == ["a"]
    assert not found["near"]


def test_a_swap_that_gains_little_waits_for_free_room_elsewhere() -> None:
    spots = [Spot("full", PIECE, PIECE), Spot("empty", PIECE, PIECE)]
    demand = {"full": {"c": 100.0, "a": 300.0}, "empty": {"c": 40.0}}
    found = plan(FILMS, spots, demand, {"full": {"c": PIECE}}, Terms(PIECE, night_bytes=PIECE))
    assert [each.reason for each in found["full"]] == [Reason.KEPT]
    assert [each.reason for each in found["empty"]] == [Reason.WANTED]


def test_a_piece_that_is_held_in_part_is_paid_for() -> None:
    spot = Spot("e", 2 * PIECE, PIECE)
    (row,) = plan([Film("a", 12)], [spot], {"e": {"a": 9.0}}, {"e": {"a": 1}}, Terms(PIECE))["e"]
    assert (row.stop_bytes, row.fetched_bytes) == (PIECE, PIECE - 1)
    (row,) = plan([Film("a", 22)], [spot], {"e": {}}, {"e": {"a": 15}}, Terms(PIECE))["e"]
    assert (row.stop_bytes, row.reason) == (PIECE, Reason.KEPT)


def test_when_room_shrinks_what_is_worth_least_goes() -> None:
    found = placed({"a": 100, "b": 300}, {"a": 2 * PIECE, "b": 2 * PIECE}, Terms(PIECE))
    assert (found["a"].reason, found["a"].stop_bytes) == (Reason.NO_ROOM, 0)
    assert (found["b"].reason, found["b"].stop_bytes) == (Reason.KEPT, 2 * PIECE)


@pytest.mark.parametrize(
    "terms",
    [
        Terms(0),
        Terms(1, churn_margin=-1),
        Terms(1, worth_min=-1),
        Terms(1, curve=()),
        Terms(1, curve=(0.0,)),
        Terms(1, curve=(2.0, -1.0)),
    ],
    ids=["piece", "margin", "worth", "empty-curve", "flat-zero", "negative"],
)
def test_terms_that_mean_nothing_are_refused(terms: Terms) -> None:
    with pytest.raises(BadRequestError):
        plan(FILMS, [ONE], {}, {}, terms)
