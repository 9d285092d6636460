"""The newest snapshot's results become views and a curve, or a sentence that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cdnkit.errors import DigestMismatchError, NotFoundError
from origin.batch.destination import Folder
from origin.batch.generator.demand import PARTS
from origin.batch.manifest import Manifest, format_record
from origin.batch.parquet import write_batches
from origin.placement.expectation import Views
from origin.placement.planner import EVERYWHERE_ALIKE
from origin.placement.popularity import read_popularity

SNAPSHOT = "20260101T000000Z-5"
DEMAND = {"region": ["DE", ""], "title": ["a", "b"], "views": [2_500_000, 1]}
REACH = {"part": [0, PARTS - 1], "watched": [300, 100]}


def saved(tmp_path: Path, *, demand: Any = DEMAND, reach: Any = REACH) -> Folder:
    place = Folder(tmp_path)
    parts = []
    for name, columns in (("demand", demand), ("reach", reach)):
        if columns is not None:
            batch = pa.table(columns).to_batches()
            path = f"{SNAPSHOT}/results/{name}.parquet"
            parts.append(write_batches(place, path, batch[0].schema, batch))
    said = {"parts": [{n: getattr(part, n) for n in part.__slots__} for part in parts]}
    place.put(f"{SNAPSHOT}/results/results.json", [json.dumps(said).encode()])
    place.put(f"{SNAPSHOT}/manifest.json", [format_record(Manifest(SNAPSHOT, 5, 1.0, (), ()))])
    return place


def test_views_and_curve_are_those_of_the_results(tmp_path: Path) -> None:
    found = read_popularity(saved(tmp_path))
    assert found.snapshot == SNAPSHOT
    assert found.views == [Views("DE", "a", 2.5), Views("", "b", 1e-6)]
    assert list(found.curve) == [300.0, *[0.0] * (PARTS - 2), 100.0]


def test_where_nothing_was_watched_all_of_a_film_is_alike(tmp_path: Path) -> None:
    nothing = {"part": [0], "watched": [0]}
    assert read_popularity(saved(tmp_path, reach=nothing)).curve == EVERYWHERE_ALIKE


def test_a_snapshot_without_demand_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"demand\.parquet.*recommend"):
        read_popularity(saved(tmp_path, demand=None))


def test_damage_is_named(tmp_path: Path) -> None:
    place = saved(tmp_path)
    path = f"{SNAPSHOT}/results/demand.parquet"
    whole = b"".join(place.read(path))
    place.put(path, [whole[:-1] + b"!"])
    with pytest.raises(DigestMismatchError, match=r"demand\.parquet"):
        read_popularity(place)


def test_without_a_snapshot_there_is_nothing_to_plan(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_popularity(Folder(tmp_path))
