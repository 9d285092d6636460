"""The declarations of `config.topology` as data that programs can walk.

One `Field` per setting: name, facts, what kind of value, how many, which default. The reader, the
writer, the JSON Schema, the example and the reference are each a walk over this.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from config.declare import RESTART, Setting, facts_of
from config.topology import Address

REQUIRED: Final = dataclasses.MISSING
"""Default of a field that has none."""


class Kind(enum.Enum):
    """What one value of a setting is."""

    TEXT = "text"
    WHOLE = "a whole number"
    NUMBER = "a number"
    SWITCH = "true or false"
    ADDRESS = "HOST:PORT"
    RECORD = "a mapping"


class Many(enum.Enum):
    """How many values a setting holds."""

    ONE = "one"
    LIST = "list"
    TABLE = "table"


_KINDS: Final[dict[Any, Kind]] = {
    str: Kind.TEXT,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    bool: Kind.SWITCH,
    Address: Kind.ADDRESS,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a record."""

    name: str
    facts: Setting
    kind: Kind
    many: Many
    optional: bool
    record: type[Any] | None
    default: Any

    @property
    def required(self) -> bool:
        """The file has to say it."""
        return self.default is REQUIRED


def fields_of(record: type[Any]) -> tuple[Field, ...]:
    """The settings of a record, in the order of their declaration."""
    return _fields_of(typing.cast("Hashable", record))


def stricter(field: Field, applies: str) -> str:
    """What another value takes of a setting whose surroundings take `applies`."""
    return RESTART if RESTART in (applies, field.facts.applies) else applies


@functools.cache
def _fields_of(record: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(record)
    return tuple(_field(field, hints[field.name]) for field in dataclasses.fields(record))


def _field(field: dataclasses.Field[Any], hint: Any) -> Field:
    optional = typing.get_origin(hint) is types.UnionType
    if optional:
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    many = {tuple: Many.LIST, dict: Many.TABLE}.get(typing.get_origin(hint), Many.ONE)
    if many is Many.LIST:
        hint = typing.get_args(hint)[0]
    elif many is Many.TABLE:
        hint = typing.get_args(hint)[1]
    kind = _KINDS.get(hint, Kind.RECORD)
    default = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    record = hint if kind is Kind.RECORD else None
    return Field(field.name, facts_of(field), kind, many, optional, record, default)
