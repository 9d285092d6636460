"""Cases kept as data in tests/vectors: one YAML list per module, each case with its section."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_VECTORS = Path(__file__).parents[1] / "vectors"


@cache
def _read(name: str) -> tuple[dict[str, Any], ...]:
    cases = yaml.safe_load((_VECTORS / f"{name}.yaml").read_text(encoding="utf-8"))
    names = [case["name"] for case in cases]
    doubled = {case_name for case_name in names if names.count(case_name) > 1}
    if doubled:
        raise ValueError(f"{name}.yaml names these cases twice: {sorted(doubled)}")
    return tuple(cases)


def load_vectors(name: str, function: str | None = None) -> list[dict[str, Any]]:
    """The cases of tests/vectors/`name`.yaml, or of it those for one function."""
    return [case for case in _read(name) if function is None or case.get("function") == function]


def case_id(case: dict[str, Any]) -> str:
    """The name of a case, for the report of pytest."""
    return str(case["name"])
