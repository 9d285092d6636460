"""What a caller may ask the edges to do, read strictly. Pure.

    purge        {"title" | "object" | "prefix" | "tag": NAME or [NAMES], "all": true,
                  "mode": "hard" | "soft", "refresh_per_second": N}
    warm         {"title" | "object": …, "bytes": N, "seconds": N, "edges": [], "sites": [],
                  "bytes_per_second": N, "concurrency": N, "from_at": N, "until_at": N}
    pin, unpin   {"title" | "object" | "prefix": …, "bytes": N, "edges": [], "sites": []}

Besides or instead of names, the last three take "parts": [{"object": KEY, "bytes": N}], each object
with as many of its first bytes.

An object is a key of this origin, or a path of an edge when it begins with "/". What a title is
made of is for `origin.orders.titles`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.errors import BadRequestError
from cdnkit.keys import parse_key

NAMES_MAX: Final = 1000
PARTS_MAX: Final = 500
_MOMENT_MAX: Final = 1e11
_TEXT_MAX: Final = 1024
_REFRESH_PER_SECOND: Final = 10.0
_CONCURRENCY: Final = 4


@dataclass(frozen=True, slots=True)
class Things:
    """What an order is about."""

    titles: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class PurgeAsked:
    """A purge; a soft one leaves what is stale servable while it is asked for again."""

    things: Things
    soft: bool
    refresh_per_second: float


@dataclass(frozen=True, slots=True)
class Part:
    """How much of each object, from its beginning: bytes, or the share that `seconds` have."""

    stop_bytes: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Where:
    """Which edges; empty means all."""

    edges: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeepAsked:
    """A warm, a pin or an unpin. Hours are [from_at, until_at) in epoch seconds."""

    things: Things
    part: Part
    where: Where
    bytes_per_second: int = 0
    concurrency: int = _CONCURRENCY
    parts: tuple[tuple[str, int], ...] = ()
    from_at: float = 0.0
    until_at: float | None = None


def parse_purge(body: Mapping[str, Any]) -> PurgeAsked:
    """Raises BadRequestError."""
    names = ("title", "object", "prefix", "tag", "all", "mode", "refresh_per_second")
    _require_known(body, names)
    things = _things(body, ("title", "object", "prefix", "tag"))
    mode = body.get("mode", "hard")
    if mode not in ("hard", "soft"):
        raise BadRequestError("'mode' is 'hard' or 'soft'")
    rate = _number(body, "refresh_per_second", _REFRESH_PER_SECOND, 0.01, 10_000)
    return PurgeAsked(things, mode == "soft", rate)


def parse_warm(body: Mapping[str, Any]) -> KeepAsked:
    """Raises BadRequestError."""
    names = ("title", "object", "bytes", "seconds", "edges", "sites", "bytes_per_second")
    _require_known(body, (*names, "concurrency", "parts", "from_at", "until_at"))
    parts = _parts(body)
    begins = _number(body, "from_at", 0, 0, _MOMENT_MAX)
    ends = _number(body, "until_at", 0, 0, _MOMENT_MAX) if "until_at" in body else None
    if ends is not None and ends <= begins:
        raise BadRequestError("'until_at' is later than 'from_at'")
    return KeepAsked(
        _things(body, ("title", "object"), is_named=bool(parts)),
        _part(body),
        _where(body),
        int(_number(body, "bytes_per_second", 0, 0, 1e12)),
        int(_number(body, "concurrency", _CONCURRENCY, 1, 64)),
        parts,
        begins,
        ends,
    )


def parse_pin(body: Mapping[str, Any]) -> KeepAsked:
    """Raises BadRequestError."""
    names = ("title", "object", "prefix", "bytes", "seconds", "edges", "sites")
    _require_known(body, (*names, "parts"))
    parts = _parts(body)
    things = _things(body, ("title", "object", "prefix"), is_named=bool(parts))
    return KeepAsked(things, _part(body), _where(body), parts=parts)


def _things(body: Mapping[str, Any], names: Collection[str], *, is_named: bool = False) -> Things:
    """`is_named`: there is something besides."""
    everything = body.get("all", False)
    if not isinstance(everything, bool):
        raise BadRequestError("'all' is true or left out")
    found = {name: _texts(body, name) for name in names}
    if everything == any((*found.values(), is_named)):
        known = ", ".join(map(repr, names))
        raise BadRequestError(f"say what, by {known}, or by 'all' alone where it may be everything")
    for key in found.get("object", ()):
        _check_object(key)
    for prefix in found.get("prefix", ()):
        _check_text("prefix", prefix.removeprefix("/"))
    for tag in found.get("tag", ()):
        _check_text("tag", tag)
    return Things(
        found.get("title", ()),
        found.get("object", ()),
        found.get("prefix", ()),
        found.get("tag", ()),
        everything,
    )


def _check_object(key: str) -> None:
    if key.startswith("/"):
        _check_text("object", key)
    else:
        parse_key(key)


def _check_text(name: str, text: str) -> None:
    if not (text and text.isascii() and text.isprintable() and " " not in text):
        raise BadRequestError(f"{name!r} holds printable ASCII without blanks, and is not empty")


def _part(body: Mapping[str, Any]) -> Part:
    if "bytes" in body and "seconds" in body:
        raise BadRequestError("give 'bytes' or 'seconds', not both")
    stop = int(_number(body, "bytes", 0, 1, 1e15)) if "bytes" in body else None
    seconds = _number(body, "seconds", 0, 0.001, 1e9) if "seconds" in body else None
    return Part(stop, seconds)


def _parts(body: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    listed = body.get("parts", [])
    if not isinstance(listed, list) or len(listed) > PARTS_MAX:
        raise BadRequestError(f"'parts' is a list of up to {PARTS_MAX}")
    found = []
    for each in listed:
        if not isinstance(each, dict) or each.keys() != {"object", "bytes"}:
            raise BadRequestError("a member of 'parts' has 'object' and 'bytes'")
        key = each["object"]
        if not isinstance(key, str) or not 0 < len(key) <= _TEXT_MAX:
            raise BadRequestError("the 'object' of a part is the key of an object")
        _check_object(key)
        found.append((key, int(_number(each, "bytes", 0, 1, 1e15))))
    return tuple(found)


def _where(body: Mapping[str, Any]) -> Where:
    return Where(_texts(body, "edges"), _texts(body, "sites"))


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name, [])
    texts = [value] if isinstance(value, str) else value
    is_fine = isinstance(texts, list) and len(texts) <= NAMES_MAX
    if not is_fine or not all(
        isinstance(each, str) and 0 < len(each) <= _TEXT_MAX for each in texts
    ):
        raise BadRequestError(f"{name!r} is a text or a list of up to {NAMES_MAX} texts")
    return tuple(dict.fromkeys(texts))


def _number(body: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = body.get(name, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in body and not (is_number and least <= value <= most):
        raise BadRequestError(f"{name!r} is a number from {least:g} to {most:g}")
    return float(value)


def _require_known(body: Mapping[str, Any], names: Collection[str]) -> None:
    for name in body:
        if name not in names:
            raise BadRequestError(f"unknown member {name[:60]!r}; known are: {', '.join(names)}")
