"""The reference page of all settings, one table per record, made from the declarations."""

from __future__ import annotations

from typing import Any, Final

from config.declare import RELOAD
from config.scalars import bounds, expected, write_scalar
from config.shape import Field, Many, fields_of, stricter
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
- A secret is given by `secret_env`, the name of an environment variable, or by `secret`; the URL of
  a catalog likewise by `database_env` or `database`. Where the variable `NAME` is not set,
  `NAME_FILE` may name a file that holds the secret, as container engines put them in place.
- `reload`: running processes take another value over from the file, and nobody who streams notices.
  `restart`: the process has to be started again, as all that stands inside such a setting;
  `cinedge topology plan` says which, `cinedge topology apply` does it one node at a time.
- What an edge's `settings` leave out comes from `edge_settings`, and from `router_settings` for
  routers.
"""


def settings_reference() -> str:
    """The page as Markdown."""
    order: dict[type[Any], str] = {}
    _collect(Topology, RELOAD, order)
    return _HEAD + "".join(_table(record, applies) for record, applies in order.items())


def _collect(record: type[Any], applies: str, order: dict[type[Any], str]) -> None:
    """Records in the order they are met, and what their settings take where each is held."""
    known = order.get(record)
    if known in (applies, RELOAD):
        return
    # One that is held in two places takes a restart only where both do.
    order[record] = applies
    for field in fields_of(record):
        if field.record is not None:
            _collect(field.record, stricter(field, applies), order)


def _table(record: type[Any], applies: str) -> str:
    rows = "".join(_row(field, applies) for field in fields_of(record))
    sentence = (record.__doc__ or "").strip()
    return (
        f"\n## {record.__name__}\n\n{sentence}\n\n"
        "| setting | holds | default | bounds | change | meaning |\n"
        f"|---|---|---|---|---|---|\n{rows}"
    )


def _row(field: Field, applies: str) -> str:
    cells = (
        *(f"`{field.name}`", _holds(field), _default(field), bounds(field)),
        *(stricter(field, applies), field.facts.doc),
    )
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
