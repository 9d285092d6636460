"""The example topology: a small live installation, and every setting with its sentence.

Derived from the declarations. A setting behind `#` without a blank shows its default: remove the
`#` and nothing changes. Sentences stand behind `# `.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from config.scalars import bounds, write_scalar
from config.shape import Field, Kind, Many, fields_of
from config.topology import Topology

_HEAD: Final = """\
# yaml-language-server: $schema=topology.schema.json
#
# A topology: who exists, where, and with which settings. Check yours with
#   cinedge topology validate FILE
# What is live here is three regions on one machine. Every other setting stands at its default
# behind a '#'; remove the '#' (not the blanks, and also before the section it stands in) to
# change it. Paths start from the directory of this file.
# Sizes: 4096, 64KiB, 10GiB, 1.5TB. Durations: 250ms, 2s, 5m, 1h.
"""

_SITES: Final = (("fra", 50.11, 8.68), ("nyc", 40.71, -74.01), ("sin", 1.35, 103.82))

_LIVE: Final[dict[str, Any]] = {
    "version": 1,
    "sites": [
        {"name": name, "latitude": latitude, "longitude": longitude}
        for name, latitude, longitude in _SITES
    ],
    "origins": [{"name": "origin-1", "listen": "127.0.0.1:8000", "data": "data/origin-1"}],
    "edges": [
        {
            "name": f"edge-{name}",
            "site": name,
            "listen": f"127.0.0.1:{9001 + number}",
            "disks": [{"path": f"data/edge-{name}"}],
        }
        for number, (name, _, _) in enumerate(_SITES)
    ],
    "routers": [{"name": "router-1", "listen": "127.0.0.1:8080"}],
    "geo": {
        "default_site": "fra",
        "prefixes": {"127.0.1.0/24": "fra", "127.0.2.0/24": "nyc", "127.0.3.0/24": "sin"},
    },
}

_SHOWN: Final[dict[str, Any]] = {
    "volumes": [{"name": "disk-1", "path": "data/origin-1/disk-1"}],
    "object_store": {
        "endpoint": "http://127.0.0.1:8333",
        "bucket": "films",
        "access_key_id": "cinedge",
        "secret_env": "CINEDGE_OBJECT_STORE_KEY",
    },
    "tls": {"certificate": "tls/fullchain.pem", "key": "tls/privkey.pem"},
    "routes": [{}],
    "token_keys": [{"id": "key-1", "secret_env": "CINEDGE_TOKEN_KEY"}],
    "access_tokens": [{"name": "studio", "secret_env": "CINEDGE_UPLOAD_TOKEN"}],
    "mail": {"host": "mail.example.org", "sender": "films@example.org"},
    "login": {"user": "films", "secret_env": "CINEDGE_MAIL_PASSWORD"},
    "payments": {"plans": [{}], "secret_env": "CINEDGE_STRIPE_KEY"},
    "plans": [{"id": "basic", "name": "Basic", "prices": [{}]}],
    "prices": [{"currency": "eur", "amount_minor": 999, "stripe": "plan_basic_eur"}],
    "webhook": {"secret_env": "CINEDGE_STRIPE_WEBHOOK"},
    "push": {"contact": "mailto:films@example.org", "secret_env": "CINEDGE_PUSH_KEY"},
}
"""What stands, commented out, where a default says nothing about the settings inside."""

_NOTES: Final = {
    "bytes": "size",
    "seconds": "duration",
    "address": "HOST:PORT",
    "url": "URL",
    "path": "path",
    "log": "path or '-'",
}

EXAMPLE_ENVIRON: Final = {
    "CINEDGE_TOKEN_KEY": "an-example-key-of-32-characters!",
    "CINEDGE_UPLOAD_TOKEN": "an-example-token",
    "CINEDGE_OBJECT_STORE_KEY": "an-example-key-of-32-characters!",
    "CINEDGE_MAIL_PASSWORD": "an-example-password",
    "CINEDGE_PUSH_KEY": "an-example-key",
    "CINEDGE_STRIPE_KEY": "an-example-key",
    "CINEDGE_STRIPE_WEBHOOK": "an-example-key",
}
"""Variables the commented-out parts name."""


def topology_example() -> str:
    """The text of the file."""
    return example_of(Topology, _LIVE, _HEAD)


def example_of(record: type[Any], live: dict[str, Any], head: str) -> str:
    """A file of one record in which `live` stands and the rest is commented out."""
    return head + "\n".join(_record(record, live, "", live=True, teach=True)) + "\n"


def _record(
    record: type[Any], said: dict[str, Any], indent: str, *, live: bool, teach: bool
) -> Iterator[str]:
    for field in fields_of(record):
        given = live and field.name in said
        if teach:
            if not indent:
                yield ""
            yield from _sentences(field, indent)
        elif not given:
            continue
        value = said.get(field.name, _SHOWN.get(field.name, _default(field)))
        if field.name == "secret" and "secret_env" in said:
            yield f"{indent}# secret: (instead of secret_env)"
            continue
        yield from _setting(field, value, indent, live=given, teach=teach)


def _setting(field: Field, value: Any, indent: str, *, live: bool, teach: bool) -> Iterator[str]:
    mark = "" if live else "#"
    inner = indent + "  "
    if field.record is None and field.many is Many.TABLE and value:
        yield f"{indent}{mark}{field.name}:"
        for name, each in value.items():
            yield f"{inner}{mark}{_text(name)}: {_text(each)}"
    elif field.record is None:
        yield f"{indent}{mark}{field.name}: {_flow(field, value)}"
    elif field.many is Many.LIST:
        yield f"{indent}{mark}{field.name}:"
        for number, each in enumerate(value):
            lines = _record(
                field.record, each, inner + "  ", live=live, teach=teach and number == 0
            )
            yield from _dashed(lines, inner)
    elif field.name == "settings":
        yield f"{indent}{mark}{field.name}: {{}}"
    else:
        yield f"{indent}{mark}{field.name}:"
        yield from _record(field.record, value or {}, inner, live=live, teach=teach)


def _dashed(lines: Iterator[str], indent: str) -> Iterator[str]:
    """Puts the dash of a list element before its first setting."""
    waiting = True
    for line in lines:
        body = line.lstrip()
        if waiting and not body.startswith("# "):
            waiting = False
            mark = "#" if body.startswith("#") else ""
            yield f"{indent}{mark}- {body.removeprefix('#')}"
        else:
            yield line


def _sentences(field: Field, indent: str) -> Iterator[str]:
    facts = field.facts
    notes = [_NOTES.get(facts.unit, ""), ", ".join(facts.choices), bounds(field)]
    note = "; ".join(filter(None, notes))
    words = f"{facts.doc} [{note}]".split() if note else facts.doc.split()
    line = f"{indent}#"
    for word in words:
        if len(line) + 1 + len(word) > 96:
            yield line
            line = f"{indent}#"
        line += f" {word}"
    yield line


def _default(field: Field) -> Any:
    if field.required:
        return field.facts.example or field.name
    if field.kind is Kind.RECORD:
        return () if field.many is Many.LIST else {}
    return field.default


def _flow(field: Field, value: Any) -> str:
    if field.many is Many.LIST:
        return "[" + ", ".join(_text(each) for each in value) + "]"
    if field.many is Many.TABLE:
        return "{}"
    if value is None:
        return "null"
    return _text(value if isinstance(value, str) else write_scalar(field, value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    plain = value and all(character.isalnum() or character in "._/:-" for character in value)
    return value if plain and not value.endswith(":") and value != "-" else json.dumps(value)
