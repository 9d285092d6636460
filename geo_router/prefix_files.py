"""Prefix tables from CSV files: lines `prefix,site`, a heading and `#` comments allowed. Pure."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping

from cdnkit.errors import BadRequestError
from geo_router.prefixes import parse_network


def read_prefixes(lines: Iterable[str], sites: Collection[str]) -> dict[str, str]:
    """Prefix to site. Raises BadRequestError with the line that cannot be."""
    found: dict[str, str] = {}
    seen: dict[object, int] = {}
    rows = csv.reader(line.partition("#")[0] for line in lines)
    try:
        for number, row in enumerate(rows, 1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and cells[0].lower() in ("prefix", "network")):
                continue
            if len(cells) != 2:
                raise BadRequestError(f"line {number}: expected prefix,site")
            prefix, site = cells
            try:
                network = parse_network(prefix)
            except BadRequestError as error:
                raise BadRequestError(f"line {number}: {error.detail}") from None
            if site not in sites:
                raise BadRequestError(f"line {number}: no site is named {site!r}")
            if network in seen:
                raise BadRequestError(f"line {number}: the same prefix as in line {seen[network]}")
            seen[network] = number
            found[prefix] = site
    except csv.Error as error:
        raise BadRequestError(f"line {rows.line_num}: {error}") from None
    return found


def merge_prefixes(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    """Both tables; where they name the same network, the first one is right."""
    taken = {parse_network(prefix) for prefix in first}
    rest = {prefix: site for prefix, site in second.items() if parse_network(prefix) not in taken}
    return {**first, **rest}
