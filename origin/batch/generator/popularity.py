"""What is watched where and when. Pure expressions.

popular     region, title, score (millionths), place: each profile counts once for a title, by
            the last time it cared for it, halved every `popular_days`; region "" is everywhere
hourly      region, hour (of the epoch), title, profiles
baselines   title, hours, mean, deviation: profiles an hour over the last `baseline_days`,
            hours in which nobody watched counted as none
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from origin.batch.generator.interactions import WATCHING, halved, share_of, whole
from origin.batch.generator.terms import Terms

_HOUR_SECONDS = 3_600.0
_DAY_SECONDS = 86_400.0
_DIGITS = 9


def popular(met: Table, titles: Table, now: float, terms: Terms) -> Table:
    """The titles of each region, the most popular first, no genre more often than allowed."""
    speaking = met.filter(met.weight > 0)
    days_ago = ibis.greatest(now - speaking.at, 0.0) / _DAY_SECONDS
    weighed = speaking.select("region", "title", gain=whole(halved(days_ago, terms.popular_days)))
    by_region = weighed.group_by(["region", "title"]).aggregate(score=weighed.gain.sum())
    everywhere = weighed.group_by("title").aggregate(score=weighed.gain.sum())
    everywhere = everywhere.select(region=ibis.literal(""), title="title", score="score")
    # Who is from nowhere counts everywhere, and makes no region of its own.
    scored = by_region.filter(by_region.region != "").union(everywhere)
    counted = scored.filter(scored.score > 0).inner_join(titles.select("title", "genre"), "title")
    return capped(counted, "region", terms)


def capped(scored: Table, owner: str, terms: Terms) -> Table:
    """Lists of `owner` by score, from each genre at most `genre_max`, `items_max` in all.

    Takes owner, title, genre, score and what else there is; adds `place`, 0 for the best.
    """
    of_genre = ibis.window(group_by=[owner, "genre"], order_by=[ibis.desc("score"), "title"])
    placed = scored.mutate(of_genre=ibis.row_number().over(of_genre))
    # A title without genres is of a genre of its own.
    mixed = placed.filter((placed.of_genre < terms.genre_max) | (placed.genre == ""))
    best = ibis.window(group_by=owner, order_by=[ibis.desc("score"), "title"])
    listed = mixed.drop("of_genre").mutate(place=ibis.row_number().over(best).cast("int64"))
    return listed.filter(listed.place < terms.items_max)


def hourly(activity: Table) -> Table:
    """How many profiles watched each title in each hour, by region."""
    watched = activity.filter(activity.kind.isin(WATCHING), activity.title != "")
    placed = watched.mutate(hour=(watched.at / _HOUR_SECONDS).floor().cast("int64"))
    return placed.group_by(["region", "hour", "title"]).aggregate(profiles=placed.profile.nunique())


def baselines(counted: Table, now: float, terms: Terms) -> Table:
    """What is usual for each title, to tell what is unusual."""
    hours = terms.baseline_days * 24
    newest = int(now // _HOUR_SECONDS)
    recent = counted.filter(counted.hour >= newest - hours, counted.hour < newest)
    by_hour = recent.group_by(["title", "hour"]).aggregate(profiles=recent.profiles.sum())
    summed = by_hour.group_by("title").aggregate(
        total=by_hour.profiles.sum(),
        squares=(by_hour.profiles * by_hour.profiles).sum(),
    )
    mean = share_of(summed.total, hours)
    variance = ibis.greatest(share_of(summed.squares, hours) - mean * mean, 0.0)
    return summed.select(
        "title",
        hours=ibis.literal(hours, "int64"),
        mean=mean.round(_DIGITS),
        deviation=variance.sqrt().round(_DIGITS),
    )
