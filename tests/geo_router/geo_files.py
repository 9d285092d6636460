"""Geo databases for tests: made here, and the published test files where they are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

PUBLISHED = Path(__file__).parents[2] / ".." / "shared" / "data" / "geo"


def published(name: str) -> Path:
    """One of MaxMind's test files; skips the test when they are not at hand."""
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip(f"MaxMind test database {name} is not at hand")
    return path


def write_database(
    path: Path, kind: str, records: Mapping[str, Mapping[str, Any]], ip_version: int = 6
) -> Path:
    """A database file with these networks."""
    writer = MMDBWriter(
        ip_version=ip_version,
        database_type=kind,
        ipv4_compatible=ip_version == 6,
        float_type="f64",
    )
    for network, record in records.items():
        writer.insert_network(IPSet([network]), dict(record))
    writer.to_db_file(str(path))
    return path


def city(latitude: float, longitude: float, country: str = "DE") -> dict[str, Any]:
    return {
        "country": {"iso_code": country, "geoname_id": 1},
        "location": {"latitude": latitude, "longitude": longitude},
    }
