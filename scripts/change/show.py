"""A plan as tables for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from config.units import format_size
from scripts.change.plan import Movement, Plan, Step


def print_plan(plan: Plan, console: Console) -> None:
    """The plan, most important first: what is done, what it means, what differs."""
    if plan.is_empty:
        console.print("Nothing differs.")
        return
    steps = _table("Steps, in this order", "", "what", "which", "why")
    for number, step in enumerate(plan.steps, 1):
        steps.add_row(str(number), step.deed.value, who(step), escape(step.why))
    console.print(steps)
    _print_consequences(plan, console)
    changes = _table("Settings", "setting", "before", "after", "takes")
    for change in plan.changes:
        cells = (change.path, change.before, change.after, change.applies)
        changes.add_row(*map(escape, cells))
    console.print(changes)
    for warning in plan.warnings:
        console.print(f"Note: {warning}.", soft_wrap=True, markup=False, highlight=False)


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """All of the plan as plain values."""
    return {
        "steps": [
            {"do": s.deed.value, "tier": s.tier and s.tier.value, "name": s.name, "why": s.why}
            for s in plan.steps
        ],
        "changes": [dataclasses.asdict(change) for change in plan.changes],
        "moved_edges": [
            {"name": name, "from": before, "to": after} for name, before, after in plan.moved_edges
        ],
        "movements": [_movement_as_json(each) for each in plan.movements],
        "token_keys": list(plan.rotated_keys),
        "warnings": list(plan.warnings),
    }


def who(step: Step) -> str:
    """Whom a step is for."""
    return f"{step.tier} {step.name}" if step.tier is not None else "all processes"


def _print_consequences(plan: Plan, console: Console) -> None:
    for name, before, after in plan.moved_edges:
        console.print(f"{name} moves from site {before} to {after}.", highlight=False)
    for key in plan.rotated_keys:
        console.print(f"Token key {key}.", highlight=False, markup=False)
    if not plan.movements:
        return
    table = _table("Keys that change hands", "among", "node", "before", "after", "new to it")
    for movement in plan.movements:
        for number, share in enumerate(movement.shares):
            shown = [f"{each:.1%}" for each in (share.before, share.after, share.gained)]
            table.add_row("" if number else _moved(movement), share.name, *shown)
    console.print(table)


def _moved(movement: Movement) -> str:
    size = "" if movement.size_bytes is None else f", {_rounded(movement.size_bytes)}"
    return f"{movement.among}: {movement.moved:.1%}{size}"


def _rounded(size_bytes: int) -> str:
    """To about three digits, so that the text stays short."""
    unit = 1 << max(0, (size_bytes.bit_length() - 1) // 10 * 10)
    return f"{size_bytes / unit:.3g} {format_size(unit).lstrip('1') or 'B'}"


def _movement_as_json(movement: Movement) -> dict[str, Any]:
    return {
        "among": movement.among,
        "moved": movement.moved,
        "bytes": movement.size_bytes,
        "nodes": [
            {**dataclasses.asdict(share), "gained": share.gained, "lost": share.lost}
            for share in movement.shares
        ],
    }


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
