"""The JSON Schema (2020-12) of a topology, for editors that complete and underline while typing.

Derived from the declarations. It says what one setting may hold; what must hold between settings
is `config.check`'s and cannot be said here.
"""

from __future__ import annotations

from typing import Any

from config.scalars import expected, write_scalar
from config.shape import Field, Kind, Many, fields_of
from config.topology import Topology
from config.units import NAME_PATTERN

_SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?([kKMGTP]i?)?B$"
_DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h|d)$"
_ADDRESS_PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"
_URL_PATTERN = r"^https?://[^/?#@\s]+[^?#\s]*$"
_SECRETS = ("secret", "secret_env", "public_key")


def topology_schema() -> dict[str, Any]:
    """The schema as plain data."""
    definitions: dict[str, Any] = {}
    root = _record(Topology, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cinedge:topology:1",
        "title": "Cinedge topology",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _record(record: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    fields = fields_of(record)
    schema: dict[str, Any] = {
        "type": "object",
        "description": (record.__doc__ or "").strip(),
        "additionalProperties": False,
        "properties": {field.name: _setting(field, definitions) for field in fields},
    }
    required = [field.name for field in fields if field.required]
    if required:
        schema["required"] = required
    if "secret_env" in schema["properties"]:
        ways = [name for name in _SECRETS if name in schema["properties"]]
        schema["anyOf"] = [{"required": [name]} for name in ways]
        schema["not"] = {"required": ["secret", "secret_env"]}
    return schema


def _setting(field: Field, definitions: dict[str, Any]) -> dict[str, Any]:
    one = _one(field, definitions)
    schema: dict[str, Any] = one
    if field.many is Many.LIST:
        schema = {"type": "array", "items": one}
    elif field.many is Many.TABLE:
        schema = {"type": "object", "additionalProperties": one}
    section = field.many is not Many.ONE or field.kind is Kind.RECORD
    if field.optional or (section and not field.required):
        schema = {"anyOf": [schema, {"type": "null"}]}
    schema = {"description": field.facts.doc, **schema}
    if not field.required and field.record is None and field.default is not None:
        schema["default"] = _default(field)
    return schema


def _default(field: Field) -> Any:
    if field.many is Many.ONE:
        return write_scalar(field, field.default)
    return list(field.default) if field.many is Many.LIST else dict(field.default)


def _one(field: Field, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.record is not None:
        name = field.record.__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _record(field.record, definitions)
        return {"$ref": f"#/$defs/{name}"}
    if field.kind is Kind.SWITCH:
        return {"type": "boolean"}
    if field.kind in {Kind.WHOLE, Kind.NUMBER}:
        return _number(field)
    return _text(field)


def _number(field: Field) -> dict[str, Any]:
    number: dict[str, Any] = {"type": "integer" if field.kind is Kind.WHOLE else "number"}
    if field.facts.minimum is not None:
        number["minimum"] = field.facts.minimum
    if field.facts.maximum is not None:
        number["maximum"] = field.facts.maximum
    patterns = {"bytes": _SIZE_PATTERN, "seconds": _DURATION_PATTERN}
    pattern = patterns.get(field.facts.unit)
    if pattern is None:
        return number
    # Bounds reach only the form without a unit; the reader checks both.
    written = {"type": "string", "pattern": pattern, "title": expected(field)}
    return {"anyOf": [number, written]}


def _text(field: Field) -> dict[str, Any]:
    if field.facts.choices:
        return {"type": "string", "enum": list(field.facts.choices)}
    patterns = {
        "address": _ADDRESS_PATTERN,
        "url": _URL_PATTERN,
        "name": f"^{NAME_PATTERN}$",
    }
    unit = "address" if field.kind is Kind.ADDRESS else field.facts.unit
    if unit not in patterns:
        return {"type": "string"} if field.default == "" else {"type": "string", "minLength": 1}
    pattern = patterns[unit]
    return {"type": "string", "pattern": f"^$|{pattern}" if field.default == "" else pattern}
