"""The table of all tiers for people, and JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from scripts.overview.judging import Row

_UNKNOWN = "-"


def table_of(rows: Sequence[Row]) -> Table:
    """A line for each process."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("tier", "name", "site", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("load", "streams", "egress", "hits", "held"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("version", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def told_of(rows: Sequence[Row]) -> list[Text]:
    """A line for each thing to be known, troubles first."""
    troubles = [(row.name, each, "red") for row in rows for each in row.troubles]
    notes = [(row.name, each, "") for row in rows for each in row.notes]
    return [Text(f"{name}: {each}", style) for name, each, style in troubles + notes]


def as_json(rows: Sequence[Row], digest: str) -> dict[str, Any]:
    """All of it as plain values."""
    return {
        "well": all(row.well for row in rows),
        "topology": digest,
        "nodes": [{**dataclasses.asdict(row), "well": row.well} for row in rows],
    }


def rate(bits_per_second: float | None) -> str:
    """Bits a second as network people write them."""
    if bits_per_second is None:
        return _UNKNOWN
    number, unit = float(bits_per_second), 0
    while number >= 1000 and unit < 4:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g} {('', 'k', 'M', 'G', 'T')[unit]}bit/s"


def _cells(row: Row) -> list[str]:
    colour = "green" if row.well else "red"
    return [
        row.tier,
        escape(row.name),
        escape(row.site),
        f"[{colour}]{escape(row.state)}[/{colour}]",
        _UNKNOWN if row.load is None else f"{row.load:.2f}",
        _UNKNOWN if row.streams is None else str(row.streams),
        rate(row.egress_bits_per_second),
        _UNKNOWN if row.hit_ratio is None else f"{row.hit_ratio:.1%}",
        _held(row),
        escape(row.version) or _UNKNOWN,
    ]


def _held(row: Row) -> str:
    if row.held_bytes is None:
        return _UNKNOWN
    share = f" {row.held_bytes / row.disk_bytes:.0%}" if row.disk_bytes else ""
    return decimal(int(row.held_bytes)) + share
