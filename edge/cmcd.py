"""What a player tells in a request (CMCD, CTA-5004): where it stands, and what is heeded. Pure.

Read from the four header fields or the `CMCD` argument. Nothing here is believed further than it
can do harm: a bitrate moves the player's own pace, a hint is looked at by `edge.hints`. What
players tell of their playing is read by `cdnkit.cmcd`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from cdnkit.cmcd import parse_values, report_of
from cdnkit.fields import FieldLines
from edge.http1.request import Request

CMCD_FIELDS: Final = (b"cmcd-object", b"cmcd-request", b"cmcd-session", b"cmcd-status")
_LINE: Final = re.compile(
    rb"\r\nCMCD-(?:Object|Request|Session|Status):[ \t]*([\x20-\x7e]*)(?=\r\n)", re.IGNORECASE
)
_ARGUMENT: Final = b"CMCD="
_BITS_PER_KILOBIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Cmcd:
    """`bitrate` in bytes per second, 0 when not told; `next_object` relative, `next_range` a-b."""

    bitrate: int = 0
    next_object: str = ""
    next_range: str = ""


NOTHING: Final = Cmcd()


def text_of(fields: FieldLines, target: bytes) -> str:
    """All that a request says, as one dictionary; empty when it says nothing."""
    texts = [fields.text(name) for name in CMCD_FIELDS]
    return ",".join(text for text in texts if text) or _argument(target)


def told_in(head: bytes) -> tuple[bytes, str]:
    """Target and all that is said in the bytes of a head that the parser would take."""
    _, _, rest = head.partition(b" ")
    target, _, _ = rest.partition(b" ")
    text = b",".join(filter(None, _LINE.findall(head))).decode("latin-1")
    return target, text or _argument(target)


def read_cmcd(request: Request) -> Cmcd:
    """What the request says that is heeded; what cannot be read counts as not said."""
    text = text_of(request.fields, request.target)
    values = parse_values(text)
    if not values:
        return NOTHING
    following, part = _next(values.get("nor"))
    bitrate = report_of(values).bitrate_kbps or 0
    if not part and isinstance(values.get("nrr"), str):
        part = str(values["nrr"])
    return Cmcd(bitrate * _BITS_PER_KILOBIT // 8, following, part)


def _next(value: Any) -> tuple[str, str]:
    """The next object and its range: a text, or since version 2 a list of texts with ranges."""
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        first, parameters = value[0]
        part = parameters.get("r")
        return _text(first), _text(part)
    return _text(value), ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _argument(target: bytes) -> str:
    _, _, query = target.partition(b"?")
    for argument in query.split(b"&"):
        if argument.startswith(_ARGUMENT):
            return unquote(argument[len(_ARGUMENT) :].decode("latin-1"))
    return ""
