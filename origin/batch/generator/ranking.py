"""Which titles each profile is shown next, and why. Pure expressions.

The score of a title is the sum over what the profile cared for lately of weight and similarity,
halved for every `recent_titles` watched since; the reason is the strongest summand. What was seen
is left out, no genre takes the whole list, and a list that is short is filled with what is popular
in the profile's region, without a reason.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from origin.batch.generator.interactions import halved, nearest, share_of
from origin.batch.generator.popularity import capped
from origin.batch.generator.terms import Terms


def candidates(met: Table, history: Table, near: Table, terms: Terms) -> Table:
    """profile, title, score (millionths), reason: every title that something speaks for."""
    lately = history.filter(history.age < terms.asked_titles)
    joined = lately.inner_join(near, "title")
    strength = share_of(joined.weight) * joined.similarity * halved(joined.age, terms.recent_titles)
    said = joined.select("profile", title="other", because="title", gain=nearest(strength))
    unseen = said.filter(said.gain > 0).anti_join(met.filter(met.is_seen), ["profile", "title"])
    strongest = ibis.window(group_by=["profile", "title"], order_by=[ibis.desc("gain"), "because"])
    placed = unseen.mutate(place=ibis.row_number().over(strongest))
    return placed.group_by(["profile", "title"]).aggregate(
        score=placed.gain.sum(), reason=placed.because.max(where=placed.place == 0)
    )


def lists(scored: Table, titles: Table, terms: Terms) -> Table:
    """profile, title, score, reason, place: the best of each profile, mixed by genre."""
    known = scored.inner_join(titles.select("title", "genre"), "title")
    return capped(known, "profile", terms).select("profile", "title", "score", "reason", "place")


def filled(own: Table, met: Table, popular: Table, terms: Terms) -> Table:
    """The lists, each as long as what is popular makes it: for whoever has met any title.

    profile, account, title, score, reason, place; of filled-in titles score is 0 and reason "".
    """
    people = met.group_by("profile").aggregate(account=met.account.max(), region=met.region.max())
    regions = popular.select("region").distinct()
    known = people.left_join(regions, "region")
    # Of a region where nothing is popular yet: what is popular everywhere.
    placed = known.select("profile", "account", region=known.region_right.fill_null("")).view()
    offers = popular.select("region", "title", rank="place")
    offered = placed.inner_join(offers, "region")
    fresh = offered.anti_join(met.filter(met.is_seen), ["profile", "title"])
    fresh = fresh.anti_join(own, ["profile", "title"])
    more = fresh.select(
        "profile", "title", score=ibis.literal(0, "int64"), reason=ibis.literal(""), rank="rank"
    )
    mine = own.select("profile", "title", "score", "reason", rank="place")
    both = mine.union(more)
    order = [ibis.desc("score"), "rank", "title"]
    best = ibis.window(group_by="profile", order_by=order)
    numbered = both.mutate(place=ibis.row_number().over(best).cast("int64"))
    kept = numbered.filter(numbered.place < terms.items_max)
    with_account = kept.inner_join(placed.select("profile", "account"), "profile")
    return with_account.select("profile", "account", "title", "score", "reason", "place")
