"""Records back to a topology text that reads as the same records.

Only what differs from the defaults is written, and a secret that came from the environment is
named, never shown.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from config.scalars import needs_quotes, write_scalar
from config.shape import Field, Many, fields_of
from config.topology import EdgeSettings, RouterSettings, Topology

_FROM_OUTSIDE: Final = frozenset({"secret", "database"})
"""Settings that the environment may hold: by the setting of the same name with _env."""


class _Dumper(yaml.SafeDumper):
    """Quotes what our reader, or YAML 1.2, would not take for text."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if needs_quotes(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_text)


def dump_topology(topology: Topology) -> str:
    """YAML that `parse_topology` reads back to an equal record."""
    inherited: dict[type[Any], Any] = {
        EdgeSettings: topology.edge_settings,
        RouterSettings: topology.router_settings,
    }
    plain = {"version": topology.version}
    for field in fields_of(Topology):
        value = getattr(topology, field.name)
        if value != field.default:
            base = {} if field.many is Many.ONE else inherited
            plain[field.name] = _plain(field, value, base)
    return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _plain(field: Field, value: Any, inherited: dict[type[Any], Any]) -> Any:
    if field.many is Many.LIST:
        return [_plain_one(field, each, inherited) for each in value]
    if field.many is Many.TABLE:
        return {name: _plain_one(field, each, inherited) for name, each in value.items()}
    return _plain_one(field, value, inherited)


def _plain_one(field: Field, value: Any, inherited: dict[type[Any], Any]) -> Any:
    if field.record is None:
        return write_scalar(field, value)
    base = inherited.get(field.record)
    return {
        inner.name: _plain(inner, getattr(value, inner.name), inherited)
        for inner in fields_of(field.record)
        if not _goes_without_saying(inner, value, base, inherited)
    }


def _goes_without_saying(
    field: Field, record: Any, base: Any, inherited: dict[type[Any], Any]
) -> bool:
    value = getattr(record, field.name)
    if field.name in _FROM_OUTSIDE and bool(getattr(record, f"{field.name}_env", "")):
        return True
    if base is not None:
        return bool(value == getattr(base, field.name))
    if field.record in inherited:
        return bool(value == inherited[field.record])
    return bool(value == field.default)
