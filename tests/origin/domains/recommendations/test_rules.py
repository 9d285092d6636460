"""Sides of an experiment are stable; lists leave out what must not show."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.recommended import CONTROL, PROFILE, REGION, TRIAL, Item, Run, Shown, TitleList
from origin.domains.recommendations.rules import label_of, visible_items

RUN = Run("r", 1.0, True, {})


def shown(own: str | None, regional: str | None) -> Shown:
    mine = None if own is None else TitleList(PROFILE, "p", "a", tuple(map(Item, own)))
    theirs = None if regional is None else TitleList(REGION, "", "", tuple(map(Item, regional)))
    return Shown(RUN, mine, theirs)


def ids(found: Shown, limit: int, hidden: str = "", watched: str = "") -> str:
    items = visible_items(found, lambda title: title not in hidden, set(watched), limit)
    return "".join(item.title for item in items)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_larger_share_lets_nobody_go(profile: str, one: float, two: float) -> None:
    small, large = sorted((one, two))
    assert label_of(profile, small) == label_of(profile, small)
    if label_of(profile, small) == TRIAL:
        assert label_of(profile, large) == TRIAL
    assert label_of(profile, 0.0) == CONTROL
    assert label_of(profile, 1.0) == TRIAL


def test_share_is_about_as_large_as_asked_for() -> None:
    count = sum(label_of(f"profile-{n}", 0.2) == TRIAL for n in range(5_000))
    assert 900 < count < 1_100


def test_own_titles_come_first_and_the_region_fills_up() -> None:
    assert ids(shown("abc", "bxyz"), 5) == "abcxy"
    assert ids(shown(None, "xyz"), 2) == "xy"
    assert ids(shown("ab", None), 9) == "ab"
    assert ids(shown(None, None), 9) == ""


@given(st.text("abcdef"), st.text("defghi"), st.text("abcdefghi"), st.text("abcdefghi"))
def test_nothing_hidden_watched_or_twice_is_shown(
    own: str, regional: str, hidden: str, watched: str
) -> None:
    found = ids(shown(own, regional), 4, hidden, watched)
    assert not set(found) & (set(hidden) | set(watched))
    assert len(set(found)) == len(found) <= 4
    everything = [t for t in dict.fromkeys(own + regional) if t not in hidden + watched]
    assert found == "".join(everything[:4])
