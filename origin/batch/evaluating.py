"""What an engine makes of a snapshot's files: results beside it, and lists to be saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from origin.batch.destination import Destination
from origin.batch.engines import Engine
from origin.batch.facts import judge, look
from origin.batch.generate import generate
from origin.batch.generator.terms import Terms
from origin.batch.inputs import Inputs
from origin.batch.lists import profile_lists, region_lists
from origin.batch.manifest import Manifest
from origin.batch.results import save_results
from origin.catalog.recommended import TitleList


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Lists that are not taken yet, how many rows were saved beside the snapshot, and facts."""

    lists: tuple[Iterator[TitleList], ...]
    rows: int
    look: Callable[[], Mapping[str, Any]]
    """How varied and how new the lists are."""
    judge: Callable[[], Mapping[str, Any]]
    """How good they are: as much work again."""


def evaluate(
    engine: Engine, inputs: Inputs, destination: Destination, manifest: Manifest, terms: Terms
) -> Evaluated:
    """Raises UnavailableError, StorageFullError."""
    activity = engine.table("activity", inputs.activity)
    titles = engine.table("titles", inputs.titles)
    found = generate(engine, activity, titles, manifest.made_at, terms)
    beside = save_results(engine, destination, manifest.id, found)
    lists = (
        region_lists(engine.batches(found.lists.popular)),
        profile_lists(engine.batches(found.lists.recommendations)),
    )
    return Evaluated(
        lists,
        sum(part.rows for part in beside),
        partial(look, engine, found.lists, titles),
        partial(judge, engine, found.lists.met, titles, manifest.made_at, terms),
    )
