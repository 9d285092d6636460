"""What arithmetic says of moved keys is what the placement does with them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.placement import Node, rank
from scripts.change.shares import share_moved, shares_of

_WEIGHTS = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), max_size=5
).filter(lambda weights: any(weights.values()))
_KEYS = [b"key-%d" % number for number in range(2_000)]


def owners(weights: dict[str, float]) -> list[str]:
    nodes = [Node(name, weight) for name, weight in weights.items()]
    return [rank(key, nodes)[0].name for key in _KEYS]


@given(_WEIGHTS, _WEIGHTS)
def test_shares_are_those_of_a_sample_of_keys(
    before: dict[str, float], after: dict[str, float]
) -> None:
    old, new = owners(before), owners(after)
    for share in shares_of(before, after):
        kept = sum(share.name == a == b for a, b in zip(old, new, strict=True))
        for said, counted in (
            (share.before, old.count(share.name)),
            (share.after, new.count(share.name)),
            (share.kept, kept),
        ):
            # Six standard deviations of a count of 2000 are below 0.07.
            assert math.isclose(said, counted / len(_KEYS), abs_tol=0.07)


@given(_WEIGHTS, _WEIGHTS)
def test_all_keys_have_owners_and_what_one_loses_others_gain(
    before: dict[str, float], after: dict[str, float]
) -> None:
    shares = shares_of(before, after)
    assert math.isclose(sum(share.before for share in shares), 1)
    assert math.isclose(sum(share.after for share in shares), 1)
    gained = sum(share.gained for share in shares)
    assert math.isclose(share_moved(shares), gained, abs_tol=1e-9)


@given(_WEIGHTS)
def test_nothing_moves_when_nothing_changes(weights: dict[str, float]) -> None:
    doubled = {name: 2 * weight for name, weight in weights.items()}
    assert math.isclose(share_moved(shares_of(weights, weights)), 0, abs_tol=1e-9)
    assert math.isclose(share_moved(shares_of(weights, doubled)), 0, abs_tol=1e-9)


def test_one_that_comes_moves_its_own_share_only() -> None:
    shares = {share.name: share for share in shares_of({"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2})}
    assert math.isclose(shares["c"].gained, 0.5)
    assert shares["a"].gained == shares["b"].gained == 0


def test_where_nobody_was_nothing_moves() -> None:
    assert share_moved(shares_of({}, {"a": 1})) == 0
