"""What the newest snapshot says of demand, read from its results."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyarrow import parquet

from cdnkit.errors import NotFoundError
from origin.batch.destination import Destination
from origin.batch.generator.demand import PARTS
from origin.batch.generator.terms import WHOLE
from origin.batch.manifest import Part
from origin.batch.results import RESULTS
from origin.batch.shelf import check_bytes, newest_manifest, read_whole
from origin.placement.expectation import Views
from origin.placement.planner import EVERYWHERE_ALIKE


@dataclass(frozen=True, slots=True)
class Popularity:
    """What a snapshot says of demand; `curve` as the planner's terms have it."""

    snapshot: str
    views: Sequence[Views]
    curve: Sequence[float]


def read_popularity(place: Destination) -> Popularity:
    """The newest snapshot's. Raises NotFoundError, DigestMismatchError, BadRequestError."""
    snapshot = newest_manifest(place).id
    folder = f"{snapshot}/results"
    said = json.loads(read_whole(place, f"{folder}/{RESULTS}"))
    parts = {part.path: part for part in (Part(**each) for each in said["parts"])}
    views = [
        Views(row["region"], row["title"], row["views"] / WHOLE)
        for row in _rows(place, parts, f"{folder}/demand.parquet")
    ]
    curve = [0.0] * PARTS
    for row in _rows(place, parts, f"{folder}/reach.parquet"):
        curve[row["part"]] = float(row["watched"])
    return Popularity(snapshot, views, curve if any(curve) else EVERYWHERE_ALIKE)


def _rows(place: Destination, parts: Mapping[str, Part], path: str) -> list[dict[str, Any]]:
    if path not in parts:
        raise NotFoundError(f"{place.url(path)} is missing: run `cinedge recommend` again")
    check_bytes(place, parts[path])
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(read_whole(place, path))).to_pylist()
    return rows
