"""From a log and titles to all results of the generator, evaluated by one engine.

What is used more than once is kept by the engine; the results are expressions until somebody
takes their rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from ibis.expr.types import Table

from origin.batch.engines import Engine
from origin.batch.generator.demand import demand, reach
from origin.batch.generator.interactions import histories, interactions
from origin.batch.generator.neighbours import neighbours
from origin.batch.generator.popularity import baselines, hourly, popular
from origin.batch.generator.ranking import candidates, filled, lists
from origin.batch.generator.terms import Terms


@dataclass(frozen=True, slots=True)
class Lists:
    """What is shown, in the order in which rows are to be read, and what it follows from."""

    recommendations: Table
    popular: Table
    neighbours: Table
    met: Table


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that follows from a snapshot."""

    lists: Lists
    hourly: Table
    baselines: Table
    demand: Table
    reach: Table


def recommend(engine: Engine, activity: Table, titles: Table, now: float, terms: Terms) -> Lists:
    """What is shown to profiles and in regions. `now` is the moment of the cut."""
    met = engine.keep("met", interactions(activity, titles, terms))
    history = engine.keep("history", histories(met, terms))
    near = engine.keep("near", neighbours(history, now, terms))
    liked = engine.keep("popular", popular(met, titles, now, terms))
    scored = candidates(met, history, near, terms)
    own = engine.keep("own", lists(scored, titles, terms))
    return Lists(
        recommendations=filled(own, met, liked, terms).order_by(["profile", "place"]),
        popular=liked.order_by(["region", "place"]),
        neighbours=near.order_by(["title", "similarity", "other"]),
        met=met,
    )


def generate(engine: Engine, activity: Table, titles: Table, now: float, terms: Terms) -> Results:
    """Lists, what is usual where and when, and what is expected."""
    counted = engine.keep("hourly", hourly(activity))
    return Results(
        lists=recommend(engine, activity, titles, now, terms),
        hourly=counted.order_by(["region", "hour", "title"]),
        baselines=baselines(counted, now, terms).order_by("title"),
        demand=demand(activity, titles, now, terms).order_by(["region", "title"]),
        reach=reach(activity, titles, now, terms).order_by("part"),
    )
