"""What differs between two topologies, setting by setting, and what each difference takes.

Elements of a list are the same when they have the same name (or prefix, id, path); what a setting
takes is declared beside it (`config.declare`). Secrets are compared and never shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from config.declare import RELOAD, RESTART
from config.scalars import write_scalar
from config.shape import Field, Many, fields_of, stricter
from config.topology import EdgeNode, OriginNode, RouterNode, Topology

_Record = TypeVar("_Record")

START: Final = "start"
STOP: Final = "stop"
_IDENTITIES: Final = ("name", "prefix", "id", "path", "currency")
_HIDDEN: Final = "(secret)"
_ABSENT: Final = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs; `before` and `after` are texts, empty where there is nothing."""

    path: str
    before: str
    after: str
    applies: str
    """RELOAD or RESTART for those whom the setting concerns; START or STOP of a whole process."""


def changes_between(old: Topology, new: Topology) -> list[Change]:
    """Everything that differs, in the order of the declarations. Nodes are named, not numbered."""
    return changes_of(old, new)


def changes_of(old: Any, new: Any, path: str = "", applies: str = RELOAD) -> list[Change]:
    """What differs between two records of one kind that stand at `path`."""
    changes: list[Change] = []
    for field in fields_of(type(new)):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            where = f"{path}.{field.name}" if path else field.name
            changes.extend(_differ(field, before, after, where, stricter(field, applies)))
    return changes


def requirement_of(record: type[Any]) -> str:
    """What it takes that a whole record comes or goes: RESTART when any of its settings does."""
    for field in fields_of(record):
        if field.facts.applies == RESTART:
            return RESTART
        if field.record is not None and requirement_of(field.record) == RESTART:
            return RESTART
    return RELOAD


def identity_of(record: Any) -> str:
    """By what an element of a list is known again: its name, prefix, id or path."""
    return next((str(getattr(record, name)) for name in _IDENTITIES if hasattr(record, name)), "")


def _differ(field: Field, before: Any, after: Any, path: str, applies: str) -> Iterator[Change]:
    if field.record is None or (field.many is Many.ONE and None in (before, after)):
        yield Change(path, _shown(field, before), _shown(field, after), applies)
    elif field.many is Many.ONE:
        yield from changes_of(before, after, path, applies)
    else:
        yield from _elements_differ(field.record, before, after, path, applies)


def _elements_differ(
    record: type[Any], before: tuple[Any, ...], after: tuple[Any, ...], path: str, applies: str
) -> Iterator[Change]:
    old = {identity_of(each): each for each in before}
    new = {identity_of(each): each for each in after}
    come = go = RESTART if RESTART in (applies, requirement_of(record)) else RELOAD
    if issubclass(record, OriginNode | EdgeNode | RouterNode):
        come, go = START, STOP
    for name in old.keys() - new.keys():
        yield Change(f"{path}[{name}]", "there", _ABSENT, go)
    for name, each in new.items():
        if name not in old:
            yield Change(f"{path}[{name}]", _ABSENT, "there", come)
        else:
            yield from changes_of(old[name], each, f"{path}[{name}]", applies)
    kept_before = [name for name in old if name in new]
    kept_after = [name for name in new if name in old]
    if kept_before != kept_after:
        yield Change(f"{path} (order)", ", ".join(kept_before), ", ".join(kept_after), applies)


def _shown(field: Field, value: Any) -> str:
    if value is None or value in ((), {}):
        return _ABSENT
    if field.facts.secret:
        return _HIDDEN if value else _ABSENT
    if field.record is not None:
        return "there"
    if field.many is Many.LIST:
        return ", ".join(str(write_scalar(field, each)) for each in value)
    if field.many is Many.TABLE:
        return ", ".join(f"{name}: {write_scalar(field, each)}" for name, each in value.items())
    shown = write_scalar(field, value)
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


def taken_over(old: _Record, new: _Record) -> _Record:
    """What a running process makes of `new`: whatever takes a restart is as in `old`."""
    kept: dict[str, Any] = {}
    for field in fields_of(type(new)):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if _stays(field):
            kept[field.name] = before
        elif field.record is not None and field.many is Many.ONE and None not in (before, after):
            kept[field.name] = taken_over(before, after)
    return dataclasses.replace(new, **kept)  # type: ignore[type-var]


def left_as_it_was(old: _Record, new: _Record) -> list[str]:
    """The settings that `taken_over` does not take over, by path."""
    return [change.path for change in changes_of(old, new) if change.applies == RESTART]


def _stays(field: Field) -> bool:
    """A list of records is taken over whole or not at all."""
    if field.facts.applies == RESTART:
        return True
    return (
        field.record is not None
        and field.many is Many.LIST
        and requirement_of(field.record) == RESTART
    )
