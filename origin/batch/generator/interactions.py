"""How much each profile cared for each title, from the log. Pure expressions.

    interactions   profile, title, account, region, weight (millionths), at, is_seen
    histories      profile, title, weight, at, age: 0 for the newest; only what speaks for the title

A weight is the watched share of the film, at most 1, times its rating out of 4 where there is one;
a title that is only on the list has a weight of its own. Every look counts as seen, so that nothing
begun is recommended, and what was disliked is seen but speaks for nothing.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Column, NumericColumn, Table

from origin.batch.generator.terms import WHOLE, Terms

WATCHING = ("play", "heartbeat", "stop")


def nearest(value: NumericColumn) -> NumericColumn:
    """The whole number next to what is not negative; engines do not agree on how halves round."""
    return (value + 0.5).floor().cast("int64")


def whole(value: NumericColumn) -> NumericColumn:
    """A weight in millionths."""
    return nearest(value * WHOLE)


def share_of(value: NumericColumn, total: float = WHOLE) -> NumericColumn:
    """A whole number as a share. Spark would divide it as a decimal, and cut digits off."""
    return value.cast("float64") / total


def halved(distance: Column, half_life: float) -> NumericColumn:
    """What is left of 1 after a distance."""
    return ibis.literal(2.0).pow(-distance.cast("float64") / half_life)


def interactions(activity: Table, titles: Table, terms: Terms) -> Table:
    """One row for each profile and title that ever met."""
    about = activity.filter(activity.profile != "", activity.title != "")
    is_watching = about.kind.isin(WATCHING)
    newest = ibis.window(
        group_by=["profile", "title", "kind"], order_by=[ibis.desc("at"), ibis.desc("number")]
    )
    placed = about.mutate(
        watched=ibis.cases((is_watching, about.watched_seconds), else_=0.0),
        is_watching=is_watching,
        is_newest=ibis.row_number().over(newest) == 0,
    )
    met = placed.group_by(["profile", "title"]).aggregate(
        account=placed.account.max(),
        region=placed.region.max(),
        at=placed.at.max(),
        # Whole milliseconds: their sum does not depend on the order.
        watched_ms=nearest(placed.watched * 1000).sum(),
        was_watched=placed.is_watching.cast("int64").max(),
        rating=placed.value.max(where=(placed.kind == "rate") & placed.is_newest),
        listed=placed.value.max(where=(placed.kind == "list") & placed.is_newest),
    )
    lengths = titles.select("title", "duration_seconds")
    known = met.inner_join(lengths, "title")
    return _weighed(known, terms)


def _weighed(known: Table, terms: Terms) -> Table:
    duration = ibis.cases(
        (known.duration_seconds > 0, known.duration_seconds), else_=terms.unknown_duration_seconds
    )
    share = ibis.least(share_of(known.watched_ms, 1000.0) / duration, 1.0)
    rating = known.rating.fill_null(0.0)
    is_rated = rating > 0
    # Who rates a film has seen it, here or elsewhere.
    watched = ibis.cases((is_rated, 1.0), (share >= terms.seen_share_min, share), else_=0.0)
    liked = ibis.cases((~is_rated, 1.0), (rating >= terms.disliked_below, rating / 4.0), else_=0.0)
    on_list = ibis.cases(
        (is_rated & (rating < terms.disliked_below), 0.0),
        (known.listed.fill_null(0.0) > 0, terms.listed_weight),
        else_=0.0,
    )
    return known.select(
        "profile",
        "title",
        "account",
        "region",
        "at",
        weight=whole(ibis.greatest(watched * liked, on_list)),
        is_seen=is_rated | (known.was_watched > 0),
    )


def histories(met: Table, terms: Terms) -> Table:
    """What speaks for titles, newest first, cut to the newest of each profile."""
    speaking = met.filter(met.weight > 0)
    newest_first = ibis.window(group_by="profile", order_by=[ibis.desc("at"), "title"])
    placed = speaking.mutate(age=ibis.row_number().over(newest_first).cast("int64"))
    kept = placed.filter(placed.age < terms.history_titles)
    return kept.select("profile", "title", "weight", "at", "age")
