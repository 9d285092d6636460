"""What operators are told of a run's lists: how good, how varied, how new, and which titles are
taken for alike. Plain values for the record of the run; every sum is one of whole numbers, so both
engines say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import ibis
from ibis.expr.types import Table

from origin.batch.engines import Engine
from origin.batch.generate import Lists
from origin.batch.generator.interactions import histories
from origin.batch.generator.neighbours import neighbours
from origin.batch.generator.popularity import popular
from origin.batch.generator.quality import hold_out, judged, spread
from origin.batch.generator.ranking import candidates, filled, lists
from origin.batch.generator.terms import WHOLE, Terms

OURS: Final = "ours"
IN_REGION: Final = "popular in the region"
EVERYWHERE: Final = "popular everywhere"
PAIRS: Final = 20
_DIGITS: Final = 4


def judge(engine: Engine, met: Table, titles: Table, now: float, terms: Terms) -> Mapping[str, Any]:
    """The quality of our lists beside those of what is popular."""
    held = hold_out(met)
    asked, known = engine.keep("asked", held.asked), engine.keep("known", held.known)
    history = engine.keep("known_history", histories(known, terms))
    near = engine.keep("known_near", neighbours(history, now, terms))
    liked = engine.keep("known_popular", popular(known, titles, now, terms))
    own = engine.keep("known_own", lists(candidates(known, history, near, terms), titles, terms))
    nobody = own.filter(ibis.literal(False))
    models = {
        OURS: filled(own, known, liked, terms),
        IN_REGION: filled(nobody, known, liked, terms),
        EVERYWHERE: filled(nobody, known, liked.filter(liked.region == ""), terms),
    }
    rows = [_row(engine, judged(name, found, asked)) for name, found in models.items()]
    return {
        "profiles": rows[0]["profiles"],
        "models": [
            {
                "name": row["model"],
                "ndcg10": _share(row["gain"], row["profiles"] * WHOLE),
                "recall20": _share(row["hits"], row["profiles"]),
            }
            for row in rows
        ],
    }


def look(engine: Engine, found: Lists, titles: Table) -> Mapping[str, Any]:
    """How varied and how new what is shown is, and the titles most alike."""
    own = _row(engine, spread(found.recommendations, found.met))
    plain = found.popular.filter(found.popular.region == "")
    usual = _row(engine, spread(plain.mutate(reason=ibis.literal("")), found.met))
    near = found.neighbours.filter(found.neighbours.title < found.neighbours.other)
    best = near.order_by([ibis.desc("similarity"), "title", "other"]).limit(PAIRS)
    every = _row(engine, titles.aggregate(titles=titles.count()))
    return {
        "coverage": {"titles": own["titles"], "of": every["titles"]},
        "reasoned": _share(own["reasoned"], own["items"]),
        "novelty": {
            OURS: _share(own["surprise"], own["items"] * WHOLE),
            EVERYWHERE: _share(usual["surprise"], usual["items"] * WHOLE),
        },
        "pairs": [{**row, "similarity": row["similarity"] / WHOLE} for row in _rows(engine, best)],
    }


def _row(engine: Engine, table: Table) -> dict[str, Any]:
    (row,) = _rows(engine, table)
    return row


def _rows(engine: Engine, table: Table) -> list[dict[str, Any]]:
    """Rows of text and whole numbers; engines give sums as decimals, which JSON does not know."""
    return [
        {name: value if isinstance(value, str) else int(value) for name, value in row.items()}
        for batch in engine.batches(table)
        for row in batch.to_pylist()
    ]


def _share(part: int, total: int) -> float:
    return round(part / total, _DIGITS) if total else 0.0
