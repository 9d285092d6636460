"""How a setting is declared: default, unit, bounds and sentence in one place.

The loader, the JSON Schema, the example file and the reference page all read these declarations;
nothing about a setting is written twice.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

_KEY: Final = "cinedge"
RELOAD: Final = "reload"
RESTART: Final = "restart"


@dataclass(frozen=True, slots=True)
class Setting:
    """Facts of one setting besides its name, type and default."""

    doc: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    example: str = ""
    secret: bool = False
    applies: str = RELOAD


def setting(
    doc: str,
    default: Any = dataclasses.MISSING,
    *,
    default_factory: Any = dataclasses.MISSING,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    example: str = "",
    secret: bool = False,
    applies: str = RELOAD,
) -> Any:
    """A dataclass field that carries its own documentation.

    `unit` is one of "bytes" (accepts 64KiB, 10GiB), "seconds" (accepts 250ms, 2s, 5m, 1h),
    "address" (HOST:PORT), "url", "path" (relative to the file), "log" (a path, or '-'), "name"
    (letters, digits, '.', '-' and '_'), "degrees" or empty. `applies` says what a running process
    has to do for another value: RELOAD, it takes it over from the file; RESTART, it has to be
    started again. What stands inside a setting with RESTART takes one whatever it says itself.
    """
    facts = Setting(doc, unit, minimum, maximum, choices, example, secret, applies)
    # A record ends up in a log or a traceback sooner or later.
    return dataclasses.field(
        default=default,
        default_factory=default_factory,
        metadata={_KEY: facts},
        repr=not secret,
    )


def facts_of(field: dataclasses.Field[Any]) -> Setting:
    """The declaration behind a field. Raises KeyError for a field made without `setting`."""
    facts: Setting = field.metadata[_KEY]
    return facts
