"""Films stand in their groups, and each audience sees its own part of them."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.audience import Audience
from origin.catalog.films import Film
from origin.domains.categories.rules import (
    ALL,
    GENRE,
    PERSON,
    TAG,
    Groups,
    Wish,
    facets,
    format_place,
    in_order,
    parse_place,
    speaks,
)
from tests.origin.domains.categories.conftest import FILMS

ANYBODY = Audience()
CHILD = Audience(age_max=6)


def names(groups: Groups, group: str, audience: Audience = ANYBODY, **wish: object) -> list[str]:
    wanted = Wish(**wish)  # type: ignore[arg-type]
    return [card.id for card in groups.films(group, audience, wanted)]


def test_genres_are_a_tree_and_films_below_count_above(groups: Groups) -> None:
    counted = [(g.id, g.parent, count) for g, count in groups.counted(GENRE, ANYBODY)]
    assert counted == [
        ("genre.animation", "", 1),
        ("genre.drama", "", 3),
        ("genre.drama.crime", "genre.drama", 1),
        ("genre.thriller", "", 1),
    ]


def test_groups_without_a_film_to_see_are_left_out(groups: Groups) -> None:
    hidden = Audience(age_max=6, hidden=frozenset({"bambi"}))
    assert [group.id for group, _ in groups.counted(GENRE, hidden)] == ["genre.drama"]
    assert groups.count("genre.drama", CHILD) == 2
    assert names(groups, "genre.drama", CHILD) == ["nikita", "untold"]


def test_group_says_which_films_it_has(groups: Groups) -> None:
    assert set(groups.members("genre.drama") or ()) == {"leon", "nikita", "untold"}
    assert groups.members("genre.none") is None


def test_lists_are_newest_first_and_choose(groups: Groups) -> None:
    assert names(groups, ALL) == ["leon", "nikita", "bambi", "untold"]
    assert names(groups, ALL, year_from=1990, year_to=1993) == ["nikita"]
    assert names(groups, ALL, language="en") == ["leon"]
    assert in_order(groups.films(ALL, ANYBODY, Wish()), "oldest")[0].id == "bambi"
    assert in_order(groups.films(ALL, ANYBODY, Wish()), "title")[0].id == "bambi"


def test_person_is_one_however_the_name_is_written(groups: Groups) -> None:
    assert names(groups, "person.jean-reno") == ["leon", "nikita"]
    assert groups.role("person.jean-reno", "leon") == "Léon"
    assert groups.role("person.nobody", "leon") == ""
    assert len(groups.counted(PERSON, ANYBODY)) == 2


def test_changed_films_move_and_removed_ones_leave_nothing(groups: Groups) -> None:
    groups.put(dataclasses.replace(FILMS[0], genres=("Comedy",), tags=(), year=1930))
    assert groups.find("genre.drama.crime") is None
    assert groups.counted(TAG, ANYBODY) == []
    assert names(groups, ALL)[2] == "leon"
    for film in FILMS:
        groups.remove(film.id)
    groups.remove("leon")
    assert groups.find(ALL) is None
    assert names(groups, ALL) == []


def test_pages_go_on_behind_a_film_that_is_gone(groups: Groups) -> None:
    card = groups.card("nikita")
    assert card is not None
    place = parse_place(format_place(card))
    groups.remove("nikita")
    assert [each.id for each in groups.films(ALL, ANYBODY, Wish(), place)] == ["bambi", "untold"]


def test_places_that_are_none_are_told() -> None:
    for text in ("", "1994", "x.a", "-1.a", "1994.", "12345.a", "١٩.a"):
        assert parse_place(text) is None


def test_facets_count_the_most_frequent_first(groups: Groups) -> None:
    counted = facets(groups.films("genre.drama", ANYBODY, Wish()))
    assert counted["genres"][0] == ("Drama", 2)
    assert counted["decades"] == [("1990", 2)]
    assert counted["languages"] == [("fr", 1), ("en-US", 1)]


def test_language_is_found_in_its_regions_and_not_the_other_way() -> None:
    assert speaks("en-GB", "EN")
    assert not speaks("en", "en-GB")
    assert not speaks("eng", "en")


_FILMS = st.builds(
    Film,
    id=st.sampled_from("abcdef"),
    title=st.just("x"),
    year=st.none() | st.integers(1900, 1903),
    genres=st.lists(st.sampled_from(["A", "A/B", "C"]), unique=True).map(tuple),
    age=st.integers(0, 18),
)


@given(st.lists(_FILMS), st.integers(0, 18), st.integers(1, 3))
def test_pages_put_together_are_the_list(films: list[Film], age_max: int, limit: int) -> None:
    groups = Groups()
    for film in films:
        groups.put(film)
    audience = Audience(age_max=age_max)
    whole = list(groups.films("genre.a", audience, Wish()))
    assert len(whole) == groups.count("genre.a", audience)
    paged: list[str] = []
    after = None
    while cards := list(groups.films("genre.a", audience, Wish(), after))[:limit]:
        paged += [card.id for card in cards]
        after = cards[-1].key
    assert paged == [card.id for card in whole]
