"""Which licence allows whom what, as a table, and that the best one is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import CinedgeError
from origin.domains.licences.rules import (
    Licence,
    RightsError,
    TerritoryError,
    decide,
    objection,
)

LICENCE = Licence("l1", "film", ("DE", "AT"), 100.0, 200.0, ("basic",))


def refusal(*found: Licence, territory: str, plan: str, now: float) -> tuple[int, str, object]:
    with pytest.raises((RightsError, TerritoryError)) as caught:
        decide(found, territory, plan, now, required=False)
    error: CinedgeError = caught.value
    return error.status, str(error.extra.get("reason", error.code)), error.extra.get("licence")


@pytest.mark.parametrize(
    ("territory", "plan", "now", "status", "reason"),
    [
        ("DE", "basic", 99.9, 403, "not-yet"),
        ("DE", "basic", 200.0, 403, "window-closed"),
        ("DE", "other", 150.0, 403, "plan"),
        ("DE", "", 150.0, 403, "plan"),
        ("US", "basic", 150.0, 451, "territory"),
        ("", "basic", 150.0, 451, "territory"),
    ],
)
def test_refusals_say_what_is_in_the_way_and_which_rule_said_so(
    territory: str, plan: str, now: float, status: int, reason: str
) -> None:
    said = refusal(LICENCE, territory=territory, plan=plan, now=now)
    assert said == (status, reason, "l1")


@pytest.mark.parametrize("now", [100.0, 199.9])
def test_window_is_half_open(now: float) -> None:
    assert decide([LICENCE], "AT", "basic", now, required=False).licence == LICENCE


def test_title_without_licence_is_free_unless_all_need_one() -> None:
    assert decide([], "", "", 0.0, required=False).licence is None
    with pytest.raises(RightsError) as caught:
        decide([], "DE", "basic", 0.0, required=True)
    assert caught.value.extra["reason"] == "no-licence"


def test_of_several_refusals_the_one_is_told_that_a_viewer_can_mend() -> None:
    elsewhere = replace(LICENCE, id="l2", territories=("US",))
    later = replace(LICENCE, id="l3", starts_at=180.0, plans=())
    assert refusal(elsewhere, LICENCE, later, territory="DE", plan="x", now=150.0)[1:] == (
        "plan",
        "l1",
    )
    assert refusal(elsewhere, later, territory="DE", plan="x", now=150.0)[1:] == ("not-yet", "l3")


def test_licence_that_lasts_longest_wins() -> None:
    longer = replace(LICENCE, id="l2", ends_at=None, height_max=720)
    sharper = replace(longer, id="l3", height_max=0)
    assert decide([LICENCE, longer], "DE", "basic", 150, required=True).licence == longer
    assert decide([longer, sharper], "DE", "basic", 150, required=True).licence == sharper


@st.composite
def licences(draw: st.DrawFn) -> Licence:
    starts = draw(st.integers(0, 5))
    ends = draw(st.none() | st.integers(starts + 1, 9))
    return Licence(
        draw(st.sampled_from("abcdef")),
        "film",
        tuple(draw(st.lists(st.sampled_from(["DE", "US"]), max_size=2, unique=True))),
        float(starts),
        None if ends is None else float(ends),
        tuple(draw(st.lists(st.sampled_from("pq"), max_size=2, unique=True))),
    )


@given(
    st.lists(licences(), min_size=1, max_size=6, unique_by=lambda each: each.id),
    st.sampled_from(["DE", "US", ""]),
    st.sampled_from(["p", "q", ""]),
    st.integers(0, 9),
)
def test_allowed_exactly_when_one_licence_has_nothing_against_it(
    found: list[Licence], territory: str, plan: str, now: int
) -> None:
    fitting = [each for each in found if objection(each, territory, plan, now) is None]
    try:
        chosen = decide(found, territory, plan, now, required=False).licence
    except (RightsError, TerritoryError):
        assert fitting == []
    else:
        assert chosen in fitting
        assert chosen is not None
        assert all(each.until <= chosen.until for each in fitting)
