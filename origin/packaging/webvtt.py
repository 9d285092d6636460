"""WebVTT: is this text subtitles, and which part of a storyboard belongs to which moment?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cdnkit.errors import BadRequestError

SUBTITLE_BYTES_MAX: Final = 4 * 1024 * 1024
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_CUE: Final = re.compile(
    r"^(\d+:)?\d{2}:\d{2}\.\d{3}[ \t]+-->[ \t]+(\d+:)?\d{2}:\d{2}\.\d{3}", re.M
)


def check_subtitle(data: bytes) -> str:
    """The text of a WebVTT file. Raises BadRequestError."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise BadRequestError("a subtitle is not UTF-8") from None
    if re.match(r"WEBVTT([ \t][^\n]*)?(\n|$)", text) is None:
        raise BadRequestError("a subtitle does not begin with WEBVTT")
    if "-->" in text and _CUE.search(text) is None:
        raise BadRequestError("a subtitle has no cue whose times can be read")
    return text


def check_language(text: str) -> str:
    """A language tag (RFC 5646, its shape). Raises BadRequestError."""
    if _LANGUAGE.fullmatch(text) is None:
        raise BadRequestError(f"{text!r} is no language tag")
    return text


def format_thumbnails(
    picture: str, moments: Sequence[float], width: int, height: int, columns: int
) -> str:
    """Cues that name a part of `picture` for the time from each moment to the next."""
    lines = ["WEBVTT", ""]
    for number, (start, stop) in enumerate(pairwise(moments)):
        row, column = divmod(number, columns)
        lines += [
            f"{format_time(start)} --> {format_time(stop)}",
            f"{picture}#xywh={column * width},{row * height},{width},{height}",
            "",
        ]
    return "\n".join(lines)


def format_time(seconds: float) -> str:
    """A time as cues write it."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
