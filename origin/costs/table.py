"""Costs as CSV (RFC 4180), with a header, for spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from cdnkit.wire import Traffic
from origin.costs.pricing import Cost

CSV_TYPE: Final = "text/csv"
COST_DECIMALS: Final = 6
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute instead of show."""


def columns_of(by: str, currency: str) -> list[str]:
    """Names of the columns."""
    kinds = [f"{kind.value.replace('-', '_')}_bytes" for kind in Traffic]
    return [by, *kinds, f"cost_{currency.lower()}"]


def write_csv(costs: Iterable[Cost], by: str, currency: str) -> str:
    """A line for each, in their order."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(columns_of(by, currency))
    for each in costs:
        name = "'" + each.key if each.key.startswith(_FORMULAS) else each.key
        kinds = [each.size_bytes[kind] for kind in Traffic]
        lines.writerow([name, *kinds, f"{each.cost:.{COST_DECIMALS}f}"])
    return text.getvalue()
