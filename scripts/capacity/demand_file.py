"""A demand file to a record, or a `TopologyError` that lists everything wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from config.build import Builder
from config.complaints import TopologyError
from config.load import read_content
from config.nodes import compose
from scripts.capacity.demand import Demand, check_demand

_MANUAL: Final = "cinedge capacity --example"


def load_demand(path: Path) -> Demand:
    """The demand in a file. Raises TopologyError."""
    return parse_demand(read_content(path), str(path))


def parse_demand(content: bytes | str, file: str = "demand.yaml") -> Demand:
    """The demand in a text. Raises TopologyError."""
    builder = Builder(file, "", {}, example=_MANUAL, reference=_MANUAL)
    demand = builder.build(Demand, compose(content, file))
    if not builder.complaints:
        for finding in check_demand(demand):
            place = builder.place(finding.path)
            builder.complain(place, finding.path, finding.message, finding.hint)
    if builder.complaints:
        raise TopologyError(sorted(builder.complaints, key=lambda each: (each.line, each.column)))
    return demand
