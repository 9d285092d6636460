"""The tables a run prints. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.benchmark.figures import ratio_of
from scripts.benchmark.measures import MEASURES, Figure, Measure
from scripts.benchmark.results import Results

OURS = "cinedge"


def format_number(value: float | None, digits: int) -> str:
    """A number for people; a dash when there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def lay_out(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def report(results: Results) -> str:
    """All of a run."""
    parts = [_table(results, measure) for name, measure in MEASURES.items() if name in results.runs]
    if results.memory_mib:
        memory = ", ".join(f"{name} {mib:.0f}" for name, mib in results.memory_mib.items())
        parts.append(f"memory of edges after the hits (PSS, MiB): {memory}")
    if errors := results.errors():
        parts.append("ERRORS: " + ", ".join(f"{name}: {n}" for name, n in errors.items()))
    parts.append(_conditions(results))
    return "\n\n".join(parts)


def _table(results: Results, measure: Measure) -> str:
    runs = results.runs[measure.name]
    rows = [["", *(figure.label for figure in measure.figures)]]
    rows += [
        [server, *(_cell(results, measure, server, figure) for figure in measure.figures)]
        for server in runs
    ]
    lines = [f"{measure.name}: {measure.what}", lay_out(rows)]
    for server in runs:
        if server == OURS or OURS not in runs:
            continue
        ratios = [
            f"{figure.label} {ratio}"
            for figure in measure.figures[:2]
            if (ratio := ratio_of(runs, OURS, server, figure)) is not None
        ]
        if ratios:
            lines.append(f"  times better than {server}: " + ", ".join(ratios))
    return "\n".join(lines)


def _cell(results: Results, measure: Measure, server: str, figure: Figure) -> str:
    return format_number(results.median(measure.name, server, figure.name), figure.digits)


def _conditions(results: Results) -> str:
    settings, machine = results.settings, results.machine
    versions = ", ".join(f"{name} {text}" for name, text in machine["versions"].items())
    load = " -> ".join(f"{each:.2f}" for each in results.load_average)
    return (
        f"{results.at}, commit {results.commit}, {results.seconds:.0f} s, load average {load}\n"
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB,"
        f" Linux {machine['kernel']}, Python {machine['python']},"
        f" lane {machine['lane']}, tcp {machine['congestion_control']}"
        + (f"; {versions}" if versions else "")
        + "\n"
        f"medians of {settings['rounds']} rounds x {settings['seconds']:g} s (cold:"
        f" {settings['cold_rounds']}), {settings['connections']} connections,"
        f" {settings['workers']} worker(s), far origin {settings['far_seconds'] * 1000:g} ms"
        f" at {settings['far_bytes_per_second'] / 1e6:g} MB/s\n"
        f"hits asked for by {settings['client']}{' over TLS' if settings['secure'] else ''}"
        f"{' with tokens' if settings['tokens'] else ''}\n"
        f"{results.command}"
    )
