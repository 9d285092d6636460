"""Lists leave out what nobody in a country could watch, and learn of what changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import CinedgeError, UnavailableError
from origin.catalog.database import Database
from origin.domains.licences import queries
from origin.domains.licences.rules import Licence, decide
from origin.domains.licences.showing import (
    REFRESH_SECONDS,
    Showing,
    hidden_titles,
    next_end,
)
from tests.helpers.clock import FakeClock

TITLES = ("film", "other")


def showing(database: Database, clock: FakeClock, *, required: bool = False) -> Showing:
    return Showing(database, lambda: TITLES, required=required, now=clock)


async def save(database: Database, *licences: Licence) -> None:
    async with database.begin() as connection:
        for each in licences:
            await queries.save(connection, each)


async def test_only_what_is_of_no_use_in_a_country_is_hidden_there(
    database: Database, clock: FakeClock
) -> None:
    await save(database, Licence("1", "film", ("DE",)), Licence("2", "other", plans=("gold",)))
    shown = showing(database, clock)
    assert await shown.hidden("DE") == frozenset()
    assert await shown.hidden("US") == {"film"}
    assert await shown.hidden("") == {"film"}, "nobody knows where"
    assert await shown.hidden("US") is await shown.hidden("US"), "one set while nothing changes"


async def test_titles_without_a_licence_are_hidden_where_one_is_required(
    database: Database, clock: FakeClock
) -> None:
    await save(database, Licence("1", "film"))
    assert await showing(database, clock, required=True).hidden("DE") == {"other"}
    assert await showing(database, clock).hidden("DE") == frozenset()


async def test_a_window_that_closes_hides_at_that_moment(
    database: Database, clock: FakeClock
) -> None:
    await save(database, Licence("1", "film", ends_at=clock() + 5))
    shown = showing(database, clock)
    assert await shown.hidden("DE") == frozenset()
    clock.advance(5)
    assert await shown.hidden("DE") == {"film"}


async def test_own_changes_count_at_once_and_those_of_others_within_a_minute(
    database: Database, clock: FakeClock
) -> None:
    shown = showing(database, clock)
    assert await shown.hidden("US") == frozenset()
    await save(database, Licence("1", "film", ("DE",)))
    assert await shown.hidden("US") == frozenset()
    clock.advance(REFRESH_SECONDS)
    assert await shown.hidden("US") == {"film"}
    await save(database, Licence("1", "film", ("US",)))
    shown.forget()
    assert await shown.hidden("US") == frozenset()


async def test_without_the_database_what_was_read_last_counts(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(database, Licence("1", "film", ("DE",)))
    shown, late = showing(database, clock), showing(database, clock)
    assert await shown.hidden("US") == {"film"}

    async def away(_connection: object) -> Sequence[Licence]:
        raise UnavailableError("the database is away")

    monkeypatch.setattr(queries, "load_all", away)
    shown.forget()
    assert await shown.hidden("US") == {"film"}
    with pytest.raises(UnavailableError):
        await late.hidden("US")


@given(
    licences=st.lists(
        st.builds(
            Licence,
            st.uuids().map(str),
            st.sampled_from(("a", "b")),
            st.sampled_from(((), ("DE",), ("DE", "US"))),
            st.sampled_from((0.0, 10.0, 30.0)),
            st.sampled_from((None, 5.0, 20.0, 40.0)),
            st.sampled_from(((), ("gold",))),
        ),
        max_size=6,
    ),
    territory=st.sampled_from(("", "DE", "US")),
    now=st.sampled_from((0.0, 5.0, 19.0, 25.0, 50.0)),
    required=st.booleans(),
)
def test_hidden_is_what_no_patience_and_no_plan_would_let_play(
    licences: list[Licence], territory: str, now: float, required: bool
) -> None:
    by_title = {
        title: found
        for title in ("a", "b")
        if (found := [each for each in licences if each.title_id == title])
    }

    def can_play(title: str) -> bool:
        found = by_title.get(title, [])
        moments = [now, *(each.starts_at for each in found if each.starts_at > now)]
        for moment in moments:
            for plan in ("", "gold"):
                try:
                    decide(found, territory, plan, moment, required=required)
                except CinedgeError:
                    continue
                return True
        return False

    def begins_before_its_end(each: Licence) -> bool:
        return each.starts_at < each.until

    if all(begins_before_its_end(each) for each in licences):
        hidden = hidden_titles(by_title, ("a", "b") if required else (), territory, now)
        assert hidden == {title for title in ("a", "b") if not can_play(title)}
    end = next_end(by_title, now)
    assert end > now
    assert all(each.until <= now or each.until >= end for each in licences)
