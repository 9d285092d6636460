"""What a title says is understood where it can be, and passed over where not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.films import Film, Person, read_film
from origin.catalog.records import TitleRow

_MEMBERS = tuple(Film.__dataclass_fields__)


def row(**members: Any) -> TitleRow:
    return TitleRow("a", json.dumps({"title": "A", **members}), 1, 0.0, '"1"')


def test_known_members_are_read() -> None:
    film = read_film(
        row(
            title=" Léon ",
            year=1994,
            genres=["Drama/Crime", "Drama/Crime", ""],
            people=[{"name": "Jean Reno", "role": "actor"}, "Luc Besson", {"role": "x"}],
            collections="Besson",
            age=16,
            duration_seconds=6600,
        )
    )
    assert film == Film(
        "a",
        "Léon",
        year=1994,
        genres=("Drama/Crime",),
        people=(Person("Jean Reno", "actor"), Person("Luc Besson")),
        collections=("Besson",),
        age=16,
        duration_seconds=6600.0,
        etag='"1"',
    )


def test_members_of_another_kind_are_passed_over() -> None:
    odd = row(year="1994", genres={"a": 1}, people="x", age=True, duration_seconds=-1, poster=3)
    assert read_film(odd) == Film("a", "A", etag='"1"')
    assert read_film(row(year=12, age=-3)).year is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(_MEMBERS[1:-1]), _JSON))
def test_no_title_is_too_odd_to_read(members: dict[str, Any]) -> None:
    film = read_film(row(**members))
    assert 0 <= film.age <= 99
    assert all(person.name for person in film.people)
