"""What a check between records has to say, before anybody knows the line it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from config.topology import Topology


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that cannot be: the path it is said at, what is wrong, what would help."""

    path: str
    message: str
    hint: str = ""


Check: TypeAlias = Callable[[Topology], Iterator[Finding]]


def duplicates(named: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Findings for each (path, name) whose name another path had before; empty names pass."""
    first: dict[str, str] = {}
    for path, name in named:
        if name and name in first:
            yield Finding(path, f"{name!r} is already the name at {first[name]}", "choose another")
        first.setdefault(name, path)
