"""Lists are alike as far as their first ten titles are the same."""

from __future__ import annotations

import pytest

from origin.catalog.recommended import PROFILE, Item, TitleList
from origin.domains.recommendations.likeness import likeness


def of(owner: str, titles: str) -> TitleList:
    return TitleList(PROFILE, owner, "a", tuple(map(Item, titles)))


@pytest.mark.parametrize(
    ("mine", "theirs", "same", "begin_alike"),
    [
        ("abcdefghij", "abcdefghij", 10, 1),
        ("abcdefghij", "jihgfedcba", 10, 0),
        ("abcdefghijX", "Xabcdefghi", 9, 0),
        ("ab", "axyz", 1, 1),
        ("ab", "yz", 0, 0),
        ("", "", 0, 1),
    ],
)
def test_first_ten_are_counted_in_any_order(
    mine: str, theirs: str, same: int, begin_alike: int
) -> None:
    counts, first = likeness([of("p", mine)], [of("p", theirs)])
    assert (counts.index(1), sum(counts), first) == (same, 1, begin_alike)


def test_profiles_of_one_run_alone_do_not_count() -> None:
    counts, first = likeness([of("p", "a"), of("q", "a")], [of("q", "a"), of("r", "a")])
    assert (sum(counts), counts[1], first) == (1, 1, 1)
    assert likeness([], []) == ([0] * 11, 0)
