"""Which titles are watched near each other: item-item similarity with order and time. Pure.

For each profile that watched A and B at most `reach_titles` apart, the pair (A, B) gains

    weight(A) weight(B)  halved for every `near_titles` between them  halved by its age
    times `backward` where B was the earlier one

and the similarity of B to A is that sum over sqrt((n(A) + s) (n(B) + s)), n being how many watched
a title and s the shrinkage: two titles that two people saw are not yet alike. Pairs that fewer than
`support_min` profiles share are left out, and of each title the nearest `neighbours_max` are kept.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from origin.batch.generator.interactions import halved, share_of, whole
from origin.batch.generator.terms import Terms

_DAY_SECONDS = 86_400.0


def neighbours(history: Table, now: float, terms: Terms) -> Table:
    """title, other, similarity (millionths), support: the nearest of each title."""
    together = _together(history, now, terms)
    counts = history.group_by("title").aggregate(profiles=history.profile.nunique())
    of_title = counts.rename(title_profiles="profiles")
    of_other = counts.rename(other="title", other_profiles="profiles")
    pairs = together.inner_join(of_title, "title").inner_join(of_other, "other")
    shrunk = (pairs.title_profiles + terms.shrinkage) * (pairs.other_profiles + terms.shrinkage)
    similar = pairs.select(
        "title",
        "other",
        "support",
        similarity=whole(share_of(pairs.strength) / shrunk.sqrt()),
    )
    nearest = ibis.window(group_by="title", order_by=[ibis.desc("similarity"), "other"])
    placed = similar.filter(similar.similarity > 0).mutate(place=ibis.row_number().over(nearest))
    return placed.filter(placed.place < terms.neighbours_max).drop("place")


def _together(history: Table, now: float, terms: Terms) -> Table:
    """title, other, strength (millionths), support: every pair that was watched near each other."""
    one = history
    two = history.view()
    near = one.join(
        two,
        [
            one.profile == two.profile,
            one.title != two.title,
            one.age - two.age <= terms.reach_titles,
            two.age - one.age <= terms.reach_titles,
        ],
    ).select(
        profile=one.profile,
        title=one.title,
        other=two.title,
        one=one.weight,
        two=two.weight,
        apart=(one.age - two.age).abs(),
        is_forward=one.age > two.age,
        at=ibis.greatest(one.at, two.at),
    )
    days_ago = ibis.greatest(now - near.at, 0.0) / _DAY_SECONDS
    weight = (
        share_of(near.one)
        * share_of(near.two)
        * halved(near.apart - 1, terms.near_titles)
        * halved(days_ago, terms.evidence_days)
        * ibis.cases((near.is_forward, 1.0), else_=terms.backward)
    )
    weighed = near.mutate(gain=whole(weight))
    grouped = weighed.group_by(["title", "other"]).aggregate(
        strength=weighed.gain.sum(), support=weighed.count()
    )
    return grouped.filter(grouped.support >= terms.support_min)
