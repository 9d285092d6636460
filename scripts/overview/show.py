"""The table of all tiers for people, and JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from rich.cells import cell_len
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from scripts.overview.judging import Row

_UNKNOWN: Final = "-"
_WIDE: Final = 1 << 16
_GAP_CELLS: Final = 2
_FIGURES: Final = ("load", "streams", "egress", "hits", "held")
_COLUMNS: Final = ("tier", "name", "site", "state", *_FIGURES, "version")
_SPARED: Final = ("version", "streams", "site", "held", "tier", "egress")
"""What a narrow screen does without, the first first; the rest says who is well and how busy."""


def table_of(rows: Sequence[Row], width_cells: int = _WIDE) -> tuple[Table, tuple[str, ...]]:
    """A line for each process, and the names of columns for which `width_cells` had no room.

    What says most stays longest; where even that is too wide, texts go on in a second line.
    """
    cells = [_cells(row) for row in rows]
    widths = [
        max(cell_len(name), *(Text.from_markup(row[number]).cell_len for row in cells), 0)
        for number, name in enumerate(_COLUMNS)
    ]
    left_out: list[int] = []
    for name in _SPARED:
        shown = [width for number, width in enumerate(widths) if number not in left_out]
        if sum(shown) + _GAP_CELLS * (len(shown) - 1) <= width_cells:
            break
        left_out.append(_COLUMNS.index(name))
    table = Table(box=None, pad_edge=False, padding=(0, _GAP_CELLS, 0, 0), header_style="bold")
    for number, name in enumerate(_COLUMNS):
        if number not in left_out:
            is_figure = name in _FIGURES
            table.add_column(
                name,
                justify="right" if is_figure else "left",
                no_wrap=is_figure,
                overflow="fold",
            )
    for row in cells:
        table.add_row(*(cell for number, cell in enumerate(row) if number not in left_out))
    return table, tuple(_COLUMNS[number] for number in sorted(left_out))


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
