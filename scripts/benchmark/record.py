"""Keep a run: its JSON under docs/bench, and one row in each table of docs/benchmarks.md.

The tables stand between two HTML comments; a new row goes to the end. Everything else in the page
is written by hand and left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scripts.benchmark.figures import ratio_of
from scripts.benchmark.measures import MEASURES, Figure
from scripts.benchmark.report import OURS, format_number
from scripts.benchmark.results import Results
from scripts.cli.errors import FailedError

EDGE_COLUMNS: Final = ("W1", "W2", "W3", "W4", "W5", "C1", "C2", "C3", "M1", "E1", "E2")
TIER_COLUMNS: Final = ("O1", "O2")
EDGE_TABLE: Final = "edge"
TIER_TABLE: Final = "tiers"


def record(results: Results, page: Path, folder: Path) -> Path:
    """Write the JSON and the rows; where the JSON is. Raises FailedError."""
    text = page.read_text()
    stamp = results.at.replace(" ", "T").replace(":", "")
    kept = folder / f"{stamp}-{results.commit.rstrip('+')}.json"
    link = f"[json]({folder.name}/{kept.name})"
    text = add_rows(text, EDGE_TABLE, edge_rows(results, link))
    text = add_rows(text, TIER_TABLE, [row] if (row := tier_row(results, link)) else [])
    folder.mkdir(exist_ok=True)
    kept.write_text(results.as_json())
    page.write_text(text)
    return kept


def add_rows(page: str, table: str, rows: list[str]) -> str:
    """The page with rows at the end of a table. Raises FailedError when the table is gone."""
    end = f"<!-- end of rows: {table} -->"
    if page.count(end) != 1:
        raise FailedError(f"the page has no single line {end!r} to put rows before")
    return page.replace(end, "".join(f"{row}\n" for row in rows) + end)


def edge_rows(results: Results, link: str) -> list[str]:
    """One row a peer: how many times better the edge is in each measure's first figure."""
    rows = []
    for peer in results.servers():
        cells = [_ratio(results, name, peer) for name in EDGE_COLUMNS]
        if peer == OURS or all(cell == "-" for cell in cells):
            continue
        cells.append(_memory_ratio(results, peer))
        rows.append(_row(*_when(results), peer, *cells, _conditions(results), link))
    return rows


def tier_row(results: Results, link: str) -> str | None:
    """The origin beside nginx, and the router's figures; None when none was measured."""
    cells = [_ratio(results, name, "nginx") for name in TIER_COLUMNS]
    cells += [
        format_number(results.median("O1", OURS, "per_second"), 0),
        format_number(results.median("E2", OURS, "per_second"), 0),
        format_number(results.median("R1", OURS, "per_second"), 0),
        format_number(results.median("R1", OURS, "cpu_us"), 0),
        format_number(results.median("R2", OURS, "cpu_us"), 1),
    ]
    if all(cell == "-" for cell in cells):
        return None
    return _row(*_when(results), *cells, _conditions(results), link)


def _when(results: Results) -> tuple[str, str]:
    return results.at, results.commit


def _conditions(results: Results) -> str:
    load = "-".join(f"{each:.1f}" for each in results.load_average)
    settings = results.settings
    return (
        f"{settings['rounds']} x {settings['seconds']:g} s,"
        f" {results.machine['congestion_control']}, lane {results.machine['lane']}, load {load}"
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _ratio(results: Results, name: str, peer: str) -> str:
    figure: Figure = MEASURES[name].figures[0]
    ratio = ratio_of(results.runs.get(name, {}), OURS, peer, figure)
    return "-" if ratio is None else format_number(ratio.median, 2)


def _memory_ratio(results: Results, peer: str) -> str:
    ours, theirs = results.memory_mib.get(OURS), results.memory_mib.get(peer)
    return f"{theirs / ours:.2f}" if ours and theirs else "-"
