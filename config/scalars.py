"""One written value to one typed value, by the declaration of its setting.

Decides what a scalar may look like for each kind and unit, its choices and its bounds. Knows
nothing of YAML beyond whether the text stood in quotes, and never repeats a secret.
"""

from __future__ import annotations

import math
import re
from pathlib import PurePath
from typing import Any, Final

from config.complaints import did_you_mean
from config.shape import Field, Kind
from config.topology import Address
from config.units import (
    UnitError,
    format_duration,
    format_size,
    parse_address,
    parse_duration,
    parse_name,
    parse_size,
    parse_url,
)

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,24})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_OTHER_THAN_TEXT: Final = re.compile(
    r"~|null|true|false|yes|no|on|off|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?",
    re.ASCII | re.IGNORECASE,
)
_TEXT_LENGTH_MAX: Final = 4096
_EXPECTED_BY_UNIT: Final = {
    "bytes": "a size such as 64KiB or 10GiB",
    "seconds": "a duration such as 250ms, 2s, 5m or 1h",
    "address": "HOST:PORT",
    "url": "an http or https URL",
    "path": "a path",
    "log": "a file or '-'",
    "name": "a name",
    "degrees": "degrees as a number",
}
_SAMPLES: Final = {
    "bytes": "64KiB",
    "seconds": "5s",
    "address": "127.0.0.1:8000",
    "url": "http://127.0.0.1:8000",
    "path": "data/disk-1",
    "log": "edge.log",
    "name": "fra-1",
    "degrees": "50.11",
    Kind.WHOLE: "1",
    Kind.NUMBER: "1.5",
    Kind.SWITCH: "true",
    Kind.ADDRESS: "127.0.0.1:8000",
    Kind.TEXT: "fra",
}


def expected(field: Field) -> str:
    """What one value of this setting looks like, for messages and documents."""
    if field.facts.choices:
        return "one of " + ", ".join(field.facts.choices)
    return _EXPECTED_BY_UNIT.get(field.facts.unit, field.kind.value)


def bounds(field: Field) -> str:
    """The bounds of a setting in words, empty when it has none."""
    low, high = field.facts.minimum, field.facts.maximum
    shown = [f"at least {_show(field, low)}"] if low is not None else []
    return ", ".join(shown + ([f"at most {_show(field, high)}"] if high is not None else []))


def advice(field: Field) -> str:
    """What to write for one value of this setting, where a complaint knows nothing better."""
    return f"write {sample(field)}, for example"


def sample(field: Field) -> str:
    """A value that this setting takes."""
    facts = field.facts
    if facts.choices:
        return facts.choices[0]
    return facts.example or _SAMPLES.get(facts.unit) or _SAMPLES[field.kind]


def read_scalar(field: Field, text: str, *, quoted: bool = False, folder: str = "") -> Any:
    """The value that `text` means for this setting; relative paths start from `folder`.

    Raises UnitError when it means none.
    """
    if field.kind is Kind.ADDRESS:
        return parse_address(text)
    if field.kind is Kind.SWITCH:
        return _read_switch(text, quoted)
    if field.kind is Kind.TEXT:
        return _read_text(field, text, quoted, folder)
    number = _read_number(field, text, quoted)
    _require_bounds(field, number)
    return number


def write_scalar(field: Field, value: Any) -> Any:
    """A plain value that `read_scalar` reads back: text, number or switch."""
    if isinstance(value, Address):
        return str(value)
    if field.facts.unit == "bytes":
        return format_size(value)
    if field.facts.unit == "seconds":
        return format_duration(value)
    return value


def needs_quotes(text: str) -> bool:
    """Without quotes this text would be taken for a number or a switch."""
    return not text or _OTHER_THAN_TEXT.fullmatch(text) is not None


def placeholder(field: Field, text: str | None) -> Any:
    """Something of the right type to go on with after a complaint."""
    if field.kind is Kind.TEXT:
        return text or ""
    return {Kind.WHOLE: 0, Kind.NUMBER: 0.0, Kind.SWITCH: False}.get(field.kind, Address("", 0))


def _read_switch(text: str, quoted: bool) -> bool:
    if not quoted and text in {"true", "false"}:
        return text == "true"
    word = text.lower()
    if word in {"yes", "on", "true"}:
        raise UnitError(f"expected true or false, found {text!r}", "write true without quotes")
    if word in {"no", "off", "false"}:
        raise UnitError(f"expected true or false, found {text!r}", "write false without quotes")
    raise UnitError(f"expected true or false, found {text!r}")


def _read_number(field: Field, text: str, quoted: bool) -> float:
    if field.facts.unit == "bytes":
        return parse_size(text)
    if field.facts.unit == "seconds":
        seconds = parse_duration(text)
        if field.kind is Kind.NUMBER:
            return seconds
        if seconds != int(seconds):
            raise UnitError("expected whole seconds", f"write {math.ceil(seconds)}s")
        return int(seconds)
    grammar = _WHOLE if field.kind is Kind.WHOLE else _NUMBER
    if quoted or grammar.fullmatch(text) is None:
        hint = "remove the quotes" if quoted and grammar.fullmatch(text) else ""
        raise UnitError(f"expected {field.kind.value}, found {text!r}", hint)
    number = int(text) if field.kind is Kind.WHOLE else float(text)
    if math.isinf(number):
        raise UnitError(f"expected a number that fits, found {text!r}")
    return number


def _read_text(field: Field, text: str, quoted: bool, folder: str) -> str:
    if not text and quoted and field.default == "":
        return text
    if not text:
        raise UnitError(f"expected {expected(field)}, found an empty text")
    if not quoted and needs_quotes(text):
        shown = "a number or switch" if field.facts.secret else repr(text)
        raise UnitError(f"expected text, found {shown}", "put it in quotes if you mean the text")
    if len(text) > _TEXT_LENGTH_MAX or not text.isprintable():
        raise UnitError(f"expected at most {_TEXT_LENGTH_MAX} printable characters")
    if field.facts.choices and text not in field.facts.choices:
        raise UnitError(
            f"expected {expected(field)}, found {text!r}", did_you_mean(text, field.facts.choices)
        )
    match field.facts.unit:
        case "url":
            return parse_url(text)
        case "name":
            return parse_name(text)
        case "path":
            return _resolve(text, folder)
        case "log" if text != "-":
            return _resolve(text, folder)
    return text


def _resolve(text: str, folder: str) -> str:
    if text.startswith("~"):
        raise UnitError("'~' is not expanded here", "write the whole path")
    return str(PurePath(folder, text))


def _require_bounds(field: Field, value: float) -> None:
    low, high = field.facts.minimum, field.facts.maximum
    if low is not None and value < low:
        message = f"must be at least {_show(field, low)}, found {_show(field, value)}"
        raise UnitError(message, f"write {_show(field, low)} or more")
    if high is not None and value > high:
        message = f"must be at most {_show(field, high)}, found {_show(field, value)}"
        raise UnitError(message, f"write {_show(field, high)} or less")


def _show(field: Field, value: float) -> str:
    if field.facts.unit == "bytes":
        return format_size(int(value))
    if field.facts.unit == "seconds":
        return format_duration(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
