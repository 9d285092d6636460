"""What players tell of their playing (CMCD, CTA-5004 and CTA-5004-A, versions 1 and 2). Pure.

The same keys come in four header fields, in the query argument `CMCD`, and as lines of a reported
event. Version 2 writes some numbers as lists, one for each type of object under way; the smallest
buffer and the largest bitrate are taken of them. What cannot be read counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from cdnkit.structured import Token, parse_dictionary

LENGTH_MAX: Final = 4096
OBJECT_TYPES: Final = ("m", "a", "v", "av", "i", "c", "tt", "k", "o")
STREAM_TYPES: Final = ("v", "l", "ll")
_PATTERN: Final = (
    r'([a-z][a-z0-9_-]*)(?:(=)(?:([0-9]{1,15})|"([ !#-\[\]-~]*)"|([A-Za-z][A-Za-z0-9_-]*)))?'
)
_MEMBER: Final = re.compile(_PATTERN + r"(?:,|\Z)")
_PLAIN: Final = re.compile(f"(?:{_PATTERN},)*{_PATTERN}")
_SESSION_LENGTH_MAX: Final = 64
_NUMBER_MAX: Final = 10**9
_REBUFFERING: Final = "r"


@dataclass(frozen=True, slots=True)
class Report:
    """One thing told. Kilobits are of 1000 bits; None and empty: not said.

    `starved`: the buffer ran empty since the report before; `startup`: the object is needed at
    once, to begin, seek or recover. `content` is the player's own name of what it plays.
    """

    session: str = ""
    content: str = ""
    starved: bool = False
    startup: bool = False
    failed: bool = False
    buffer_ms: int | None = None
    throughput_kbps: int | None = None
    bitrate_kbps: int | None = None
    top_kbps: int | None = None
    rate: float = 1.0
    stream: str = ""
    kind: str = ""


def parse_report(text: str) -> Report | None:
    """The report in a text of CMCD; None when it is none, or says nothing."""
    values = parse_values(text)
    return report_of(values) if values else None


def parse_values(text: str) -> dict[str, Any] | None:
    """The value of each key, a list of pairs (value, parameters) for a list; None for nonsense."""
    if len(text) > LENGTH_MAX:
        return None
    if _PLAIN.fullmatch(text):
        # A quarter of the time of the whole grammar, for what nearly all players send.
        return {found[0]: _plain_value(*found) for found in _MEMBER.findall(text)}
    members = parse_dictionary(text)
    return None if members is None else {name: member[0] for name, member in members.items()}


def _plain_value(name: str, mark: str, digits: str, quoted: str, token: str) -> Any:
    if not mark:
        return True
    if digits:
        return int(digits)
    return Token(token) if token else quoted


def report_of(values: Mapping[str, Any]) -> Report:
    """The report that values of keys make."""
    rate = values.get("pr", 1)
    return Report(
        session=_text(values.get("sid")),
        content=_text(values.get("cid")),
        starved=values.get("bs") is True
        or bool(_number(values.get("bsd"), max))
        or _one_of(values.get("sta"), (_REBUFFERING,)) != "",
        startup=values.get("su") is True,
        failed=_one_of(values.get("e"), ("e",)) != "" or "ec" in values,
        buffer_ms=_number(values.get("bl"), min),
        throughput_kbps=_number(values.get("mtp"), max),
        bitrate_kbps=_number(values.get("br"), max),
        top_kbps=_number(values.get("tb"), max),
        rate=float(rate) if isinstance(rate, int | float | Decimal) and 0 <= rate <= 100 else 1.0,
        stream=_one_of(values.get("st"), STREAM_TYPES),
        kind=_one_of(values.get("ot"), OBJECT_TYPES),
    )


def _number(value: Any, choose: Any) -> int | None:
    """A number, or that chosen of a list of them; None for what is none."""
    if isinstance(value, list):
        found = [_number(item[0], choose) for item in value if isinstance(item, tuple)]
        known = [each for each in found if each is not None]
        return choose(known) if known else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return int(value) if 0 <= value <= _NUMBER_MAX else None


def _text(value: Any) -> str:
    return str(value)[:_SESSION_LENGTH_MAX] if isinstance(value, str) else ""


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    text = str(value) if isinstance(value, Token) else ""
    return text if text in known else ""
