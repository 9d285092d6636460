"""What a topology names and a backup does not hold: secrets of the environment, and key files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from config.shape import Many, fields_of
from config.topology import Topology

_VARIABLES: Final = frozenset({"secret_env", "database_env"})
_FILES: Final = frozenset({"certificate", "key", "ca", "authorities"})


@dataclass(frozen=True, slots=True)
class Named:
    """Names of environment variables, and paths of files; both sorted."""

    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def named_by(topology: Topology) -> Named:
    """What has to be there again before processes of this topology can start."""
    said = list(_texts(Topology, topology))
    variables = {text for name, _, text in said if name in _VARIABLES}
    files = {text for name, unit, text in said if name in _FILES and unit == "path"}
    return Named(tuple(sorted(variables)), tuple(sorted(files)))


def _texts(record: type[Any], value: Any) -> Iterator[tuple[str, str, str]]:
    """Name, unit and text of each setting that is one text and not empty."""
    for field in fields_of(record):
        held = getattr(value, field.name)
        if field.record is not None:
            inner = [held] if field.many is Many.ONE else list(held)
            if field.many is Many.TABLE:
                inner = list(held.values())
            for each in inner:
                if each is not None:
                    yield from _texts(field.record, each)
        elif isinstance(held, str) and held:
            yield field.name, field.facts.unit, held
