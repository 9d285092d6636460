"""Ratings for the comparison of recommenders: read, cut at the end of each history, and judged.

The newest title of each user is held out (`back=0`), or the one before it (`back=1`), on which
terms are tuned; everything older is known. Users are numbered, and so are titles.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NDCG_AT = 10
RECALL_AT = 20


@dataclass(frozen=True, slots=True)
class Rating:
    """Somebody's opinion of a title at a time."""

    user: int
    title: int
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Split:
    """What is known, and the title of each user that is to be guessed."""

    known: tuple[Rating, ...]
    held_out: Mapping[int, int]


def read_ratings(folder: Path) -> list[Rating]:
    """`ratings.csv` as GroupLens has it, each user's oldest first."""
    with (folder / "ratings.csv").open(newline="") as file:
        rows = [
            Rating(int(user), int(title), float(value), float(at))
            for user, title, value, at in list(csv.reader(file))[1:]
        ]
    return sorted(rows, key=lambda each: (each.user, each.at, each.title))


def read_genres(folder: Path) -> dict[int, list[str]]:
    """`movies.csv`: the genres of each title."""
    with (folder / "movies.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {int(row[0]): [each for each in row[2].split("|") if each] for row in rows}


def split(ratings: Sequence[Rating], back: int) -> Split:
    """Hold out the title that each user rated last but `back`, and forget what came after it."""
    by_user: dict[int, list[Rating]] = {}
    for each in ratings:
        by_user.setdefault(each.user, []).append(each)
    known: list[Rating] = []
    held_out = {}
    for user, theirs in by_user.items():
        at = len(theirs) - 1 - back
        if at > 0:
            known += theirs[:at]
            held_out[user] = theirs[at].title
    return Split(tuple(known), held_out)


def judge(lists: Mapping[int, Sequence[int]], held_out: Mapping[int, int]) -> tuple[float, float]:
    """NDCG@10 and recall@20 over all users; who has no list guessed nothing."""
    gain, found = 0.0, 0
    for user, wanted in held_out.items():
        places = [place for place, title in enumerate(lists.get(user, ())) if title == wanted]
        if places and places[0] < NDCG_AT:
            gain += 1 / math.log2(places[0] + 2)
        found += bool(places and places[0] < RECALL_AT)
    return gain / len(held_out), found / len(held_out)
