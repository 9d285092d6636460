"""A capacity as tables for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from scripts.capacity.reckoning import Capacity
from scripts.capacity.steps import amount, count

_BAR_CELLS: Final = 30
_SITES_MAX: Final = 40


def print_choices(choices: Sequence[Capacity], chosen: Capacity, console: Console) -> None:
    """Each kind of server beside the others."""
    table = _table(
        "Kinds of servers",
        ("kind", "servers", "disks", "disk", "links", "hits", "upstream", "origin", "a month"),
    )
    for each in choices:
        table.add_row(
            f"{each.server} *" if each is chosen else each.server,
            count(each.servers),
            count(each.disks),
            amount(each.disk_bytes),
            f"{count(each.viewer_links)} + {count(each.upstream_links)}",
            f"{each.hit_ratio:.2%}",
            amount(each.upstream_bytes_per_second, "/s"),
            amount(each.origin_bytes_per_second, "/s"),
            count(each.cost.total),
        )
    console.print(table)
    if len(choices) > 1:
        console.print(f"* {chosen.server} is what follows.", highlight=False)


def print_sites(capacity: Capacity, console: Console) -> None:
    """What each site comes to."""
    columns = ("site", "sites", "peak", "servers", "needed", "held", "hits", "fetches", "links")
    table = _table("Sites", columns)
    for site in capacity.sites[:_SITES_MAX]:
        short = site.servers < site.servers_needed
        table.add_row(
            site.name,
            count(site.count),
            amount(site.peak_bytes_per_second, "/s"),
            count(site.servers),
            f"{count(site.servers_needed)}{' short' if short else ''}",
            amount(site.held_bytes),
            f"{site.hit_ratio:.2%}",
            amount(site.upstream_bytes_per_second, "/s"),
            f"{count(site.viewer_links)} + {count(site.upstream_links)}",
        )
    console.print(table)
    if len(capacity.sites) > _SITES_MAX:
        console.print(f"{len(capacity.sites) - _SITES_MAX} more sites; --json has all.")


def print_steps(capacity: Capacity, console: Console) -> None:
    """The arithmetic, line by line."""
    console.print(f"\nArithmetic for {capacity.server}", highlight=False)
    for step in capacity.steps:
        console.print(f"  {step}", soft_wrap=True, markup=False, highlight=False)


def print_curve(points: Sequence[Capacity], console: Console) -> None:
    """Cost against hit ratio, a line for each size of cache; the cheapest is marked."""
    if not any(each.cost.total for each in points):
        console.print("\nNo prices were given: there is no cost to draw.")
        return
    table = _table(
        f"Cost of a month against hit ratio, {points[0].server}",
        ("held by a site", "disks", "hits", "origin", "a month", "", "of a served TB"),
    )
    table.columns[5].justify = "left"
    highest = max(each.cost.total for each in points)
    best = min(points, key=lambda each: each.cost.total)
    for each in points:
        bar = "█" * max(1, round(each.cost.total / highest * _BAR_CELLS))
        table.add_row(
            amount(max(site.held_bytes for site in each.sites)),
            amount(each.disk_bytes),
            f"{each.hit_ratio:.2%}",
            amount(each.origin_bytes_per_second, "/s"),
            count(each.cost.total),
            f"{bar} cheapest" if each is best else bar,
            f"{each.price_per_served_terabyte:.3g}",
        )
    console.print(table)


def as_json(
    choices: Sequence[Capacity], chosen: Capacity, points: Sequence[Capacity]
) -> dict[str, Any]:
    """All of it as plain values; steps of the chosen kind only."""
    return {
        "chosen": chosen.server,
        "choices": [_plain(each) for each in choices],
        "steps": [dataclasses.asdict(step) for step in chosen.steps],
        "curve": [_plain(each) for each in points],
    }


def _plain(capacity: Capacity) -> dict[str, Any]:
    values = dataclasses.asdict(capacity)
    del values["steps"]
    values["cost"]["total"] = capacity.cost.total
    return values


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table
