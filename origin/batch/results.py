"""What the generator finds besides lists, as Parquet beside the snapshot it came from.

    results/neighbours.parquet   which titles are watched near each other
    results/hourly.parquet       profiles by region, hour and title
    results/baselines.parquet    what is usual for each title
    results/demand.parquet       how much of each title is watched in a day, by region
    results/reach.parquet        which parts of films that is

`results/results.json` is written last and names them, as a manifest does.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from origin.batch.destination import Destination
from origin.batch.engines import Engine
from origin.batch.generate import Results
from origin.batch.manifest import Part
from origin.batch.parquet import write_batches

RESULTS: Final = "results.json"


def save_results(
    engine: Engine, destination: Destination, snapshot: str, found: Results
) -> tuple[Part, ...]:
    """Write them. Raises UnavailableError, StorageFullError."""
    folder = f"{snapshot}/results"
    tables = {
        "neighbours": found.lists.neighbours,
        "hourly": found.hourly,
        "baselines": found.baselines,
        "demand": found.demand,
        "reach": found.reach,
    }
    parts = tuple(
        write_batches(
            destination,
            f"{folder}/{name}.parquet",
            table.schema().to_pyarrow(),
            engine.batches(table),
        )
        for name, table in tables.items()
    )
    said = {"parts": [asdict(part) for part in parts]}
    destination.put(f"{folder}/{RESULTS}", [json.dumps(said, indent=1).encode() + b"\n"])
    return parts
