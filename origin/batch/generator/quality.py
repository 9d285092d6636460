"""How good a run's lists are, before anybody is shown them. Pure expressions.

judged     model, profiles, hits, gain: of each profile with two titles or more the newest is left
           out, all is worked out without these, and it is looked up in the lists. `hits` counts
           the profiles that have it among the first 20, `gain` sums 1 / log2(place + 2) over the
           first 10, in millionths (NDCG, where one title is right)
spread     titles, items, reasoned, surprise: different titles, items in all lists, those with a
           reason, and the sum over items of -log2 of the share of profiles that knew the title,
           in millionths
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import ibis
from ibis.expr.types import Table

from origin.batch.generator.interactions import whole

NDCG_AT: Final = 10
RECALL_AT: Final = 20


@dataclass(frozen=True, slots=True)
class HeldOut:
    """`asked` is what is to be found, `known` everything else; both as rows of interactions."""

    known: Table
    asked: Table


def hold_out(met: Table) -> HeldOut:
    """Leave out the newest title of each profile that cared for two or more."""
    speaking = met.filter(met.weight > 0)
    newest = ibis.window(group_by="profile", order_by=[ibis.desc("at"), "title"])
    of_profile = ibis.window(group_by="profile")
    placed = speaking.mutate(
        age=ibis.row_number().over(newest), titles=speaking.count().over(of_profile)
    )
    asked = placed.filter(placed.age == 0, placed.titles >= 2).select("profile", "title")
    return HeldOut(met.anti_join(asked, ["profile", "title"]), asked)


def judged(model: str, lists: Table, asked: Table) -> Table:
    """One row for one model's lists: profile, title, place."""
    found = lists.select("profile", "title", "place").inner_join(asked, ["profile", "title"])
    gain = whole(1.0 / (found.place + 2).cast("float64").log2())
    counted = found.mutate(
        hit=(found.place < RECALL_AT).cast("int64"),
        gain=ibis.cases((found.place < NDCG_AT, gain), else_=0),
    )
    summed = counted.aggregate(
        hits=counted.hit.sum().fill_null(0), gain=counted.gain.sum().fill_null(0)
    )
    of = asked.aggregate(profiles=asked.count())
    return summed.cross_join(of).select("profiles", "hits", "gain", model=ibis.literal(model))


def spread(lists: Table, met: Table) -> Table:
    """One row for lists: profile, title, reason."""
    people = met.aggregate(people=met.profile.nunique())
    knowing = met.group_by("title").aggregate(knowing=met.profile.nunique())
    known = lists.inner_join(knowing, "title").cross_join(people)
    share = known.knowing.cast("float64") / known.people.cast("float64")
    weighed = known.mutate(
        surprise=whole(-share.log2()), reasoned=(known.reason != "").cast("int64")
    )
    return weighed.aggregate(
        titles=weighed.title.nunique(),
        items=weighed.count(),
        reasoned=weighed.reasoned.sum().fill_null(0),
        surprise=weighed.surprise.sum().fill_null(0),
    )
