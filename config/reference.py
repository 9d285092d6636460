"""The reference page of all settings, one table per record, made from the declarations."""

from __future__ import annotations

from typing import Any, Final

from config.scalars import bounds, expected, write_scalar
from config.shape import Field, Many, fields_of
from config.topology import Topology

_HEAD: Final = """\
# Settings

Made from the declarations in `config/topology.py` by `cinedge topology reference`; change it there.

A topology is one YAML file. `cinedge topology validate FILE` checks it, `cinedge topology example`
prints one with every setting, `cinedge topology schema` prints a JSON Schema for editors.

- Sizes are bytes, or text such as `64KiB` and `10GiB` (1024s), `500MB` and `1.5TB` (1000s).
- Durations are seconds, or text such as `250ms`, `2s`, `5m`, `1h`, `7d`.
- Relative paths start from the directory of the file.
- Switches are `true` or `false`. Text that looks like a number or a switch goes in quotes.
- A secret is given by `secret_env`, the name of an environment variable, or by `secret`.
- What an edge's `settings` leave out comes from `edge_settings`, and from `router_settings` for
  routers.
"""


def settings_reference() -> str:
    """The page as Markdown."""
    order: list[type[Any]] = []
    _collect(Topology, order)
    return _HEAD + "".join(_table(record) for record in order)


def _collect(record: type[Any], order: list[type[Any]]) -> None:
    if record in order:
        return
    order.append(record)
    for field in fields_of(record):
        if field.record is not None:
            _collect(field.record, order)


def _table(record: type[Any]) -> str:
    rows = "".join(_row(field) for field in fields_of(record))
    sentence = (record.__doc__ or "").strip()
    return (
        f"\n## {record.__name__}\n\n{sentence}\n\n"
        f"| setting | holds | default | bounds | meaning |\n|---|---|---|---|---|\n{rows}"
    )


def _row(field: Field) -> str:
    cells = (f"`{field.name}`", _holds(field), _default(field), bounds(field), field.facts.doc)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _holds(field: Field) -> str:
    if field.record is not None:
        name = field.record.__name__
        link = f"[{name}](#{name.lower()})"
        return f"list of {link}" if field.many is Many.LIST else link
    one = expected(field)
    return {Many.LIST: f"list, each {one}", Many.TABLE: "mapping to text"}.get(field.many, one)


def _default(field: Field) -> str:
    if field.required:
        return "**required**"
    if field.record is not None or field.default in ("", (), {}, None):
        return ""
    if field.many is Many.LIST:
        return f"`[{', '.join(field.default)}]`"
    value = write_scalar(field, field.default)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
