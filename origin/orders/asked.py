"""What a caller may ask the edges to do, read strictly. Pure.

    purge        {"title" | "object" | "prefix" | "tag": NAME or [NAMES], "all": true,
                  "mode": "hard" | "soft", "refresh_per_second": N}
    warm         {"title" | "object": …, "bytes": N, "seconds": N, "edges": [], "sites": [],
                  "bytes_per_second": N, "concurrency": N}
    pin, unpin   {"title" | "object" | "prefix": …, "bytes": N, "edges": [], "sites": []}

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
    """A warm, a pin or an unpin."""

    things: Things
    part: Part
    where: Where
    bytes_per_second: int = 0
    concurrency: int = _CONCURRENCY


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
    _require_known(body, (*names, "concurrency"))
    return KeepAsked(
        _things(body, ("title", "object")),
        _part(body),
        _where(body),
        int(_number(body, "bytes_per_second", 0, 0, 1e12)),
        int(_number(body, "concurrency", _CONCURRENCY, 1, 64)),
    )


def parse_pin(body: Mapping[str, Any]) -> KeepAsked:
    """Raises BadRequestError."""
    _require_known(body, ("title", "object", "prefix", "bytes", "seconds", "edges", "sites"))
    return KeepAsked(_things(body, ("title", "object", "prefix")), _part(body), _where(body))


def _things(body: Mapping[str, Any], names: Collection[str]) -> Things:
    everything = body.get("all", False)
    if not isinstance(everything, bool):
        raise BadRequestError("'all' is true or left out")
    found = {name: _texts(body, name) for name in names}
    if everything == any(found.values()):
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
