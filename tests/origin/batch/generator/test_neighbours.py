"""Similarity by the expressions is what two plain loops over all histories come to."""

from __future__ import annotations

import math
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from origin.batch.generator.neighbours import neighbours
from origin.batch.generator.terms import WHOLE, Terms
from tests.origin.batch.generator.rows import Rows, RowsOf, table_of

DAY = 86_400.0
NOW = 400 * DAY
TYPES = {
    **{"profile": "string", "title": "string"},
    **{"weight": "int64", "at": "float64", "age": "int64"},
}


def history_of(watched: dict[str, list[str]]) -> Rows:
    """Profiles and what they watched, newest first, a day apart."""
    return [
        {"profile": name, "title": title, "weight": WHOLE, "at": NOW - age * DAY, "age": age}
        for name, titles in watched.items()
        for age, title in enumerate(titles)
    ]


def plain(history: Rows, terms: Terms) -> dict[tuple[str, str], tuple[int, int]]:
    """Similarity (millionths) and support, without any cleverness."""
    strength: dict[tuple[str, str], list[int]] = {}
    for one, two in permutations(history, 2):
        apart = abs(one["age"] - two["age"])
        if one["profile"] != two["profile"] or apart > terms.reach_titles:
            continue
        gain = one["weight"] / WHOLE * (two["weight"] / WHOLE)
        gain *= 2.0 ** (-(apart - 1) / terms.near_titles)
        gain *= 2.0 ** (-(NOW - max(one["at"], two["at"])) / DAY / terms.evidence_days)
        gain *= 1.0 if one["age"] > two["age"] else terms.backward
        strength.setdefault((one["title"], two["title"]), []).append(round(gain * WHOLE))
    profiles = {
        title: len({row["profile"] for row in history if row["title"] == title})
        for title in {row["title"] for row in history}
    }
    found = {}
    for (title, other), gains in strength.items():
        shrunk = (profiles[title] + terms.shrinkage) * (profiles[other] + terms.shrinkage)
        similarity = round(sum(gains) / math.sqrt(shrunk))
        if len(gains) >= terms.support_min and similarity > 0:
            found[title, other] = (similarity, len(gains))
    return found


histories = st.dictionaries(
    st.sampled_from("pqrs"),
    st.lists(st.sampled_from("abcdef"), unique=True, max_size=6),
    max_size=4,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.integers(1, 3), st.integers(1, 4))
def test_similarity_is_that_of_plain_loops(
    rows_of: RowsOf, watched: dict[str, list[str]], support: int, reach: int
) -> None:
    terms = Terms(support_min=support, reach_titles=reach, shrinkage=2.0)
    history = history_of(watched)
    found = rows_of(neighbours(table_of(history, **TYPES), NOW, terms))
    given_back = {
        (row["title"], row["other"]): (row["similarity"], row["support"]) for row in found
    }
    expected = plain(history, terms)
    assert given_back.keys() == expected.keys()
    for key, (similarity, count) in expected.items():
        # A half may be rounded either way where the last bit of a power differs.
        assert abs(given_back[key][0] - similarity) <= 1
        assert given_back[key][1] == count


def test_only_the_nearest_are_kept_and_ties_go_by_name(rows_of: RowsOf) -> None:
    watched = {"p": ["c", "a"], "q": ["b", "a"], "r": ["d", "a"], "s": ["d", "a"]}
    found = rows_of(neighbours(table_of(history_of(watched)), NOW, Terms(neighbours_max=2)))
    assert sorted(row["other"] for row in found if row["title"] == "a") == ["b", "d"]


def test_two_that_many_watched_are_nearer_than_two_that_two_did(rows_of: RowsOf) -> None:
    few = {f"few{n}": ["rare", "odd"] for n in range(2)}
    many = {f"many{n}": ["hit", "song"] for n in range(40)}
    found = rows_of(neighbours(table_of(history_of(few | many)), NOW, Terms(evidence_days=1e9)))
    by_pair = {(row["title"], row["other"]): row["similarity"] for row in found}
    assert by_pair["song", "hit"] > 3 * by_pair["odd", "rare"]
    # Half as much backwards, but for the last millionth.
    assert abs(by_pair["song", "hit"] - 2 * by_pair["hit", "song"]) <= 2
