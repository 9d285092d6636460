"""What a player tells of itself (CMCD, CTA-5004): its bitrate, and what it will ask for next. Pure.

Read from the four header fields or the `CMCD` argument. Nothing here is believed further than it
can do harm: a bitrate moves the player's own pace, a hint is looked at by `edge.hints`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from cdnkit.structured import parse_dictionary
from edge.http1.request import Request

_FIELDS: Final = (b"cmcd-object", b"cmcd-request")
_LENGTH_MAX: Final = 4096
_BITS_PER_KILOBIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Cmcd:
    """`bitrate` in bytes per second, 0 when not told; `next_object` relative, `next_range` a-b."""

    bitrate: int = 0
    next_object: str = ""
    next_range: str = ""


NOTHING: Final = Cmcd()


def read_cmcd(request: Request) -> Cmcd:
    """What the request says; what cannot be read counts as not said."""
    texts = [request.fields.text(name) for name in _FIELDS]
    text = ",".join(text for text in texts if text)
    if not text:
        _, _, query = request.target.partition(b"?")
        text = next(
            (
                unquote(argument[5:].decode("latin-1"))
                for argument in query.split(b"&")
                if argument.startswith(b"CMCD=")
            ),
            "",
        )
    if not text or len(text) > _LENGTH_MAX:
        return NOTHING
    members = parse_dictionary(text)
    if members is None:
        return NOTHING
    values = {name: member[0] for name, member in members.items()}
    bitrate, following = values.get("br"), values.get("nor")
    part = values.get("nrr")
    return Cmcd(
        bitrate * _BITS_PER_KILOBIT // 8 if type(bitrate) is int and bitrate > 0 else 0,
        following if isinstance(following, str) else "",
        part if isinstance(part, str) else "",
    )
