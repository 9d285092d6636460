"""A tree of YAML nodes to records, with every complaint on the way and the place of every value.

Walks the declarations, not the file: what no declaration names is refused. After a complaint it
goes on with a placeholder, so that one reading finds all mistakes; `sound` says whether the
records are whole enough for the checks between them to mean anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast

import yaml

from config.complaints import Complaint, did_you_mean, nearest
from config.environment import SecretError, secret_of
from config.nodes import place_of
from config.scalars import advice, expected, placeholder, read_scalar, sample
from config.shape import Field, Kind, Many, fields_of
from config.topology import Topology
from config.units import UnitError

COMPLAINTS_MAX: Final = 100
_CORE_TAG: Final = "tag:yaml.org,2002:"
_KNOWN_TAGS: Final = frozenset(
    _CORE_TAG + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "merge", "value")
)

_Record = TypeVar("_Record")


class Builder:
    """Builds the records of one file.

    `example` and `reference` are the commands that hints send the reader to.
    """

    def __init__(
        self,
        file: str,
        folder: str,
        environ: Mapping[str, str],
        *,
        example: str = "cinedge topology example",
        reference: str = "cinedge topology reference",
    ) -> None:
        self._example = example
        self._reference = reference
        self._file = file
        self._folder = folder
        self._environ = environ
        self._inherited: dict[type[Any], Any] = {}
        self.complaints: list[Complaint] = []
        self.places: dict[str, tuple[int, int]] = {}
        self.sound = True

    def topology(self, root: yaml.MappingNode) -> Topology:
        """The whole file; look at `complaints` before using it."""
        return self.build(Topology, root)

    def build(self, record: type[_Record], root: yaml.MappingNode) -> _Record:
        """A file that is one record; look at `complaints` before using it."""
        return self._record(record, root, "")

    def place(self, path: str) -> tuple[int, int]:
        """Where a setting stands, or the nearest thing around it that does."""
        while path not in self.places:
            cut = max(path.rfind("."), path.rfind("["), 0)
            path = path[:cut]
        return self.places[path]

    def complain(self, place: tuple[int, int], path: str, message: str, hint: str = "") -> None:
        """Notes one mistake."""
        if len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append(Complaint(self._file, *place, path, message, hint))

    def _record(
        self, record: type[_Record], node: yaml.Node, path: str, base: _Record | None = None
    ) -> _Record:
        """`base` gives the values of settings that are left out, instead of the defaults."""
        self.places[path] = place_of(node)
        if not isinstance(node, yaml.MappingNode):
            hint = "write its settings below it, each on a line of its own as `name: value`"
            self._refuse(node, path, f"expected a mapping, found {_describe(node)}", hint)
            self.sound = False
            node = yaml.MappingNode(_CORE_TAG + "map", [], node.start_mark, node.end_mark)
            return self._make(record, {}, node, path, base, report_missing=False)
        given = self._entries(node, path)
        known = {field.name: field for field in fields_of(record)}
        for name, (key, _) in given.items():
            if name not in known:
                self._unknown(record, name, key, path)
        return self._make(record, given, node, path, base)

    def _make(
        self,
        record: type[_Record],
        given: Mapping[str, tuple[yaml.Node, yaml.Node]],
        node: yaml.Node,
        path: str,
        base: _Record | None,
        *,
        report_missing: bool = True,
    ) -> _Record:
        values: dict[str, Any] = {}
        # Single records first: what a topology says for all edges is inherited by each.
        for field in sorted(fields_of(record), key=lambda field: field.many is not Many.ONE):
            where = _join(path, field.name)
            if field.name in given:
                values[field.name] = self._value(field, given[field.name][1], where)
            elif base is not None:
                values[field.name] = getattr(base, field.name)
            elif not field.required:
                values[field.name] = self._left_out(field)
            else:
                if report_missing:
                    message = f"missing; expected {_wanted(field)}"
                    self.complain(place_of(node), where, message, self._addition(field))
                values[field.name] = _empty(field)
            if record is Topology and field.record in _INHERITABLE:
                self._inherited[field.record] = values[field.name]
        if "secret_env" in values:
            self._resolve_secret(values, given, node, path)
        if "database_env" in values:
            self._from_outside("database", values, given, path)
        return record(**values)

    def _left_out(self, field: Field) -> Any:
        if field.record is not None and field.many is Many.ONE:
            return self._inherited.get(field.record, field.default)
        return field.default

    def _value(self, field: Field, node: yaml.Node, path: str) -> Any:
        self.places[path] = place_of(node)
        if node.tag not in _KNOWN_TAGS:
            self._refuse(node, path, f"tag {node.tag!r} is not read", "remove the tag")
            return _empty(field)
        if _is_null(node):
            return self._null(field, node, path)
        if field.many is Many.LIST:
            return self._list(field, node, path)
        if field.many is Many.TABLE:
            return self._table(field, node, path)
        return self._one(field, node, path)

    def _null(self, field: Field, node: yaml.Node, path: str) -> Any:
        """Nothing after the colon: a section with everything commented out is one left out."""
        section = field.many is not Many.ONE or field.kind is Kind.RECORD
        if field.optional or (section and not field.required):
            return None if field.optional else self._left_out(field)
        self._refuse(
            node, path, f"has no value; expected {_wanted(field)}", "give one or remove the line"
        )
        return _empty(field)

    def _list(self, field: Field, node: yaml.Node, path: str) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            wanted = f"expected {_wanted(field)}, found {_describe(node)}"
            self._refuse(node, path, wanted, "begin each element with '- '")
            self.sound = False
            return ()
        items = []
        for number, item in enumerate(node.value):
            where = f"{path}[{number}]"
            self.places[where] = place_of(item)
            items.append(self._one(field, item, where))
        return tuple(items)

    def _table(self, field: Field, node: yaml.Node, path: str) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            wanted = f"expected {_wanted(field)}, found {_describe(node)}"
            self._refuse(node, path, wanted, "write one `name: value` on each line")
            self.sound = False
            return {}
        table = {}
        for name, (_, value) in self._entries(node, path).items():
            where = f"{path}[{name}]"
            self.places[where] = place_of(value)
            table[name] = self._one(field, value, where)
        return table

    def _one(self, field: Field, node: yaml.Node, path: str) -> Any:
        if field.record is not None:
            base = self._inherited.get(field.record) if field.many is Many.ONE else None
            return self._record(field.record, node, path, base)
        if not isinstance(node, yaml.ScalarNode) or _is_null(node):
            message = f"expected {expected(field)}, found {_describe(node)}"
            self._refuse(node, path, message, advice(field))
            return placeholder(field, None)
        if node.tag not in _KNOWN_TAGS:
            self._refuse(node, path, f"tag {node.tag!r} is not read", "remove the tag")
            return placeholder(field, node.value)
        quoted = node.style is not None
        try:
            return read_scalar(field, node.value, quoted=quoted, folder=self._folder)
        except UnitError as error:
            self._refuse(node, path, error.message, error.hint or advice(field))
            return placeholder(field, node.value)

    def _entries(self, node: yaml.MappingNode, path: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Keys that are text, once each."""
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == _CORE_TAG + "merge":
                self._refuse(
                    key, path, "merge keys are not read", "edge_settings speaks for all edges"
                )
            elif not isinstance(key, yaml.ScalarNode) or key.tag != _CORE_TAG + "str":
                message = f"expected a name before the colon, found {_describe(key)}"
                self._refuse(key, path, message, "put it in quotes if you mean the text")
            elif key.value in entries:
                first = place_of(entries[key.value][0])[0]
                message = f"given twice; the first is on line {first}"
                self._refuse(key, _join(path, key.value), message, "remove one of them")
            else:
                entries[key.value] = (key, value)
        return entries

    def _unknown(self, record: type[Any], name: str, key: yaml.Node, path: str) -> None:
        names = [field.name for field in fields_of(record)]
        hint = ""
        if nearest(name, names) is None:
            hint = _hint_from_within(record, name)
        remove = f"remove it; `{self._reference}` lists all settings"
        self._refuse(
            key, _join(path, name), "unknown setting", hint or did_you_mean(name, names) or remove
        )
        # A misspelt section is an empty one: what refers to it would be refused without reason.
        self.sound = self.sound and record is not Topology

    def _resolve_secret(
        self,
        values: dict[str, Any],
        given: Mapping[str, tuple[yaml.Node, yaml.Node]],
        node: yaml.Node,
        path: str,
    ) -> None:
        if values["secret"] or values["secret_env"]:
            self._from_outside("secret", values, given, path)
        elif not values.get("public_key"):
            hint = "name the environment variable that holds it: `secret_env: NAME`"
            where = _join(path, "secret_env")
            self._refuse(node, where, "missing; expected secret_env or secret", hint)
            values["secret"] = _UNKNOWN_SECRET

    def _from_outside(
        self,
        name: str,
        values: dict[str, Any],
        given: Mapping[str, tuple[yaml.Node, yaml.Node]],
        path: str,
    ) -> None:
        """The setting `name`, which may stand in the environment instead."""
        env = f"{name}_env"
        variable = values[env]
        if not variable:
            return
        if values[name]:
            hint = f"keep {env}, which keeps it out of the file"
            self._refuse(given[name][0], _join(path, name), f"given besides {env}", hint)
            return
        try:
            values[name] = secret_of(variable, self._environ)
        except SecretError as error:
            self._refuse(given[env][1], _join(path, env), error.message, error.hint)
            values[name] = _UNKNOWN_SECRET if name == "secret" else ""

    def _addition(self, field: Field) -> str:
        """How to add a setting that is missing."""
        if field.record is not None or field.many is not Many.ONE:
            return f"add `{field.name}:`; `{self._example}` shows one"
        return f"add `{field.name}: {sample(field)}`, for example"

    def _refuse(self, node: yaml.Node, path: str, message: str, hint: str = "") -> None:
        self.complain(place_of(node), path, message, hint)


_INHERITABLE: Final = frozenset(
    cast("type[Any]", field.record)
    for field in fields_of(Topology)
    if field.name in {"edge_settings", "router_settings"}
)
_UNKNOWN_SECRET: Final = "a-secret-that-was-not-given"


def _hint_from_within(record: type[Any], name: str) -> str:
    """Where a setting that is unknown here would belong, one level further in."""
    inner = {
        setting.name: field.name
        for field in reversed(fields_of(record))
        if field.record is not None
        for setting in fields_of(field.record)
    }
    if name in inner:
        return f"it belongs in {inner[name]!r}"
    close = nearest(name, inner)
    return f"did you mean {close!r} in {inner[close]!r}?" if close is not None else ""


def _wanted(field: Field) -> str:
    """What a whole setting looks like."""
    if field.many is Many.LIST:
        return "a list" if field.record is not None else f"a list, each {expected(field)}"
    if field.many is Many.TABLE:
        return f"a mapping such as {field.facts.example!r}"
    return expected(field)


def _empty(field: Field) -> Any:
    if field.many is Many.LIST:
        return ()
    if field.many is Many.TABLE:
        return {}
    return placeholder(field, None) if field.record is None else field.default


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _CORE_TAG + "null"


def _describe(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if _is_null(node):
        return "nothing"
    kinds = {"int": "the number", "float": "the number", "bool": "the switch"}
    kind = kinds.get(node.tag.removeprefix(_CORE_TAG), "the text")
    return f"{kind} {node.value[:60]!r}"
