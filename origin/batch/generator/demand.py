"""How much of each title is watched in a day, and how far viewers come. Pure expressions.

demand   region, title, views (millionths of a whole film a day): the watched share of the film,
         halved every `demand_days`, so that yesterday counts most and chance little
reach    part, watched (milliseconds, faded alike): which sixteenth of a film that was, all films
         together, for single ones are watched too seldom
"""

from __future__ import annotations

from math import log
from typing import Final

import ibis
from ibis.expr.types import NumericColumn, Table

from origin.batch.generator.interactions import WATCHING, halved, nearest, share_of, whole
from origin.batch.generator.terms import Terms

PARTS: Final = 16
_DAY_SECONDS: Final = 86_400.0


def demand(activity: Table, titles: Table, now: float, terms: Terms) -> Table:
    """Views a day by region; region "" is viewers from nowhere known."""
    watched = _watched(activity, titles, now, terms)
    share = share_of(watched.watched_ms, 1000.0) / watched.duration
    # What a rate that stays comes to under this fading, undone.
    rate = share * watched.fade * (log(2.0) / terms.demand_days)
    counted = watched.select("region", "title", views=whole(rate))
    return counted.group_by(["region", "title"]).aggregate(views=counted.views.sum())


def reach(activity: Table, titles: Table, now: float, terms: Terms) -> Table:
    """What was watched, by the part of the film it was in."""
    watched = _watched(activity, titles, now, terms)
    part = (watched.position_seconds / watched.duration * PARTS).floor().cast("int64")
    placed = watched.select(
        part=ibis.greatest(ibis.least(part, PARTS - 1), 0),
        watched=nearest(watched.watched_ms.cast("float64") * watched.fade),
    )
    return placed.group_by("part").aggregate(watched=placed.watched.sum())


def _watched(activity: Table, titles: Table, now: float, terms: Terms) -> Table:
    about = activity.filter(
        activity.kind.isin(WATCHING), activity.title != "", activity.watched_seconds > 0
    )
    known = about.inner_join(titles.select("title", "duration_seconds"), "title")
    days_ago = ibis.greatest(now - known.at, 0.0) / _DAY_SECONDS
    return known.select(
        "region",
        "title",
        position_seconds=known.position_seconds.fill_null(0.0),
        watched_ms=_milliseconds(known.watched_seconds),
        fade=halved(days_ago, terms.demand_days),
        duration=ibis.cases(
            (known.duration_seconds > 0, known.duration_seconds),
            else_=terms.unknown_duration_seconds,
        ),
    )


def _milliseconds(seconds: NumericColumn) -> NumericColumn:
    return nearest(seconds * 1000)
