"""What the fleet believes after any run of probes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_router.fleet import (
    SERVING,
    TRANSITIONS,
    Event,
    Fleet,
    Health,
    Limits,
    Observation,
    Result,
    State,
    step,
)

OK = Observation(Result.ANSWERED, "ready", 0.002)
FAIL = Observation(Result.FAILED, "cannot connect")
DRAIN = Observation(Result.DRAINING, "says it is draining", 0.001)
LIMITS = Limits(down_after=2, up_after=3)

_results = st.sampled_from([OK, FAIL, DRAIN])


def follow(observations: list[Observation], limits: Limits = LIMITS) -> list[Health]:
    health = [Health(State.UNKNOWN, "not probed yet", 0.0)]
    for moment, seen in enumerate(observations, 1):
        health.append(step(health[-1], seen, float(moment), limits))
    return health


def states(observations: list[Observation], limits: Limits = LIMITS) -> list[State]:
    return [health.state for health in follow(observations, limits)[1:]]


def test_the_table_answers_every_event_in_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(set(row) == set(Event) for row in TRANSITIONS.values())


def test_an_edge_that_was_never_up_is_up_at_its_first_answer() -> None:
    assert states([OK]) == [State.UP]
    assert states([FAIL, OK]) == [State.UNKNOWN, State.UP]


def test_an_edge_goes_down_after_two_failures_and_up_after_three_answers() -> None:
    assert states([OK, FAIL, FAIL, OK, OK, OK]) == [
        State.UP,
        State.SUSPECT,
        State.DOWN,
        State.RECOVERING,
        State.RECOVERING,
        State.UP,
    ]


def test_a_failure_while_recovering_starts_over() -> None:
    assert states([FAIL, FAIL, OK, OK, FAIL, OK])[-2:] == [State.DOWN, State.RECOVERING]


def test_a_draining_edge_leaves_at_once_and_comes_back_with_hysteresis() -> None:
    assert states([OK, DRAIN, OK, OK, OK]) == [
        State.UP,
        State.DRAINING,
        State.RECOVERING,
        State.RECOVERING,
        State.UP,
    ]


def test_a_draining_edge_that_ends_is_down() -> None:
    assert states([OK, DRAIN, FAIL, FAIL])[-1] is State.DOWN


@given(st.lists(st.sampled_from([OK, FAIL]), max_size=60))
def test_no_single_loss_takes_an_edge_away(losses: list[Observation]) -> None:
    spread = [seen for loss in losses for seen in (loss, OK)]
    assert all(state in SERVING for state in states([OK, *spread]))


@given(st.lists(_results, max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_only_enough_in_a_row_crosses_between_serving_and_not(
    observations: list[Observation], down_after: int, up_after: int
) -> None:
    limits = Limits(down_after, up_after)
    history = follow(observations, limits)
    for number, (before, after) in enumerate(pairwise(history), 1):
        if before.state in SERVING and after.state is State.DOWN:
            assert observations[number - down_after : number] == [FAIL] * down_after
        if before.state not in {*SERVING, State.UNKNOWN} and after.state is State.UP:
            assert observations[number - up_after : number] == [OK] * up_after


@given(st.lists(_results, max_size=40))
def test_since_is_the_moment_of_the_last_change(observations: list[Observation]) -> None:
    history = follow(observations)
    for moment, (before, after) in enumerate(pairwise(history), 1):
        assert after.probed_at == float(moment)
        expected = before.since if before.state is after.state else float(moment)
        assert after.since == expected


def test_the_reason_tells_the_last_failure_and_survives_good_probes() -> None:
    other = Observation(Result.FAILED, "answered 500")
    assert follow([OK, FAIL, other])[-1].reason == "answered 500"
    assert follow([OK, OK])[-1].reason == "ready"


def test_overload_has_hysteresis_of_its_own() -> None:
    loads = [0.95, 1.0, 0.95, 0.89, 0.95]
    seen = [Observation(Result.ANSWERED, "ready", 0.001, load) for load in loads]
    assert [h.overloaded for h in follow(seen)[1:]] == [False, True, True, False, False]
    assert not follow([*seen[:2], OK])[-1].overloaded


def test_failures_that_an_edge_tells_of_itself_have_a_hysteresis_too() -> None:
    shares = [0.4, 0.5, 0.3, 0.2, 0.4]
    seen = [Observation(Result.ANSWERED, "ready", 0.001, 0.1, share) for share in shares]
    assert [h.overloaded for h in follow(seen)[1:]] == [False, True, True, False, False]


def test_a_fleet_that_takes_anothers_place_believes_what_that_one_did() -> None:
    old = Fleet(["a", "b", "c"], LIMITS, 0.0)
    for name in "ab":
        old.observe(name, OK, 1.0)
    for moment in (2.0, 3.0):
        old.observe("b", FAIL, moment)
        old.observe("c", FAIL, moment)
    new = Fleet(["a", "b", "d"], LIMITS, 4.0, before=old, kept=["a", "b"])
    assert [new[name].state for name in "abd"] == [State.UP, State.DOWN, State.UNKNOWN]
    assert (new.failing, set(new.unpolled)) == ({"b": FAIL.reason}, {"d"})
    assert new.version > old.version
    # An edge that is added is no reason to answer nobody, and it begins slowly.
    assert new.is_polled
    new.observe("d", OK, 5.0)
    assert (new["d"].state, new["d"].warming_since) == (State.UP, 5.0)
    moved = Fleet(["a"], LIMITS, 4.0, before=old)
    assert moved["a"].state is State.UNKNOWN


def test_a_fleet_is_polled_once_every_edge_was_looked_at_whatever_came_of_it() -> None:
    fleet = Fleet(["a", "b"], LIMITS, 0.0)
    assert not fleet.is_polled
    fleet.observe("a", OK, 1.0)
    fleet.observe("a", OK, 2.0)
    assert not fleet.is_polled
    fleet.observe("b", FAIL, 2.0)
    assert fleet.is_polled
    assert len(fleet) == 2


def test_the_version_changes_with_answers_only() -> None:
    fleet = Fleet(["a"], LIMITS, 0.0)
    changes = [fleet.observe("a", seen, 1.0) for seen in (OK, OK, FAIL, FAIL, FAIL)]
    assert changes == [True, False, True, True, False]
    assert fleet.version == 3


def test_an_unknown_edge_is_our_own_mistake() -> None:
    with pytest.raises(KeyError):
        Fleet(["a"], LIMITS, 0.0).observe("b", OK, 1.0)
