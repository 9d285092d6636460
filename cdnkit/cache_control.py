"""Cache-Control and its targeted forms, read into one record (RFC 9111 5.2, RFC 9213).

Decides what the field says, strictest reading first; what follows from it for a stored response
is decided in `cdnkit.freshness`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cdnkit.fields import FieldLines, split_list
from cdnkit.structured import parse_dictionary

SECONDS_MAX: Final = 2**31
"""Any longer time counts as this one (RFC 9111 1.2.2)."""

_DIGITS: Final = re.compile(r"[0-9]+")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CacheControl:
    """What one Cache-Control says, in a request or a response.

    Times are None when absent and 0 when they cannot be read: such a response is stale
    (RFC 9111 4.2.1). `no_cache` and `private` are the forms without arguments; names given as
    arguments are in `withheld`, fields that must not be stored.
    """

    max_age: int | None = None
    s_maxage: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None
    min_fresh: int | None = None
    max_stale: int | None = None
    no_store: bool = False
    no_cache: bool = False
    private: bool = False
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    no_transform: bool = False
    only_if_cached: bool = False
    immutable: bool = False
    withheld: frozenset[bytes] = frozenset()


NOTHING_SAID: Final = CacheControl()

_TIMES: Final = frozenset(
    {"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error", "min-fresh", "max-stale"}
)
_FLAGS: Final = frozenset(
    {
        "no-store",
        "public",
        "must-revalidate",
        "proxy-revalidate",
        "must-understand",
        "no-transform",
        "only-if-cached",
        "immutable",
    }
)
_QUALIFIABLE: Final = frozenset({"no-cache", "private"})
_KNOWN: Final = _TIMES | _FLAGS | _QUALIFIABLE

Said = tuple[str, str | None]
"""A directive's name and its argument."""


def parse_cache_control(lines: Iterable[bytes]) -> CacheControl:
    """Read all Cache-Control lines of a message; never raises, unknown directives are skipped.

    Of a time given twice the first counts (RFC 9111 4.2.1).
    """
    return _record(_member(member) for line in lines for member in split_list(_text(line)))


def parse_targeted(value: str) -> CacheControl | None:
    """Read a targeted field such as CDN-Cache-Control; None means: ignore it whole.

    That is so when it is no structured dictionary, is empty, or gives a directive a value of
    another type than the directive has (RFC 9213 2.1).
    """
    members = parse_dictionary(value)
    if not members:
        return None
    said: list[Said] = []
    for name, (bare, _) in members.items():
        if name in _KNOWN:
            if not _has_type(name, bare):
                return None
            said.append((name, None if bare is True else str(bare)))
    return _record(said)


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives that govern a response for us, and whether a targeted field gave them."""

    said: CacheControl
    targeted: bool


def governing(response: FieldLines, targeted: Sequence[bytes]) -> Directives:
    """The first valid targeted field, in our order of preference, else Cache-Control.

    A targeted field replaces Cache-Control and Expires together (RFC 9213 2.2).
    """
    for name in targeted:
        value = response.text(name)
        said = None if value is None else parse_targeted(value)
        if said is not None:
            return Directives(said, targeted=True)
    return Directives(parse_cache_control(response.lines(b"cache-control")), targeted=False)


def parse_seconds(text: str) -> int | None:
    """Delta-seconds: ASCII digits only, leading zeros allowed, clamped (RFC 9111 1.2.2)."""
    if _DIGITS.fullmatch(text) is None:
        return None
    significant = text.lstrip("0")
    return SECONDS_MAX if len(significant) > 10 else min(int(significant or "0"), SECONDS_MAX)


def _record(directives: Iterable[Said]) -> CacheControl:
    values: dict[str, int | bool] = {}
    withheld: frozenset[bytes] = frozenset()
    for name, argument in directives:
        attribute = name.replace("-", "_")
        if name == "max-stale" and argument is None:
            values.setdefault(attribute, SECONDS_MAX)
        elif name in _TIMES:
            values.setdefault(attribute, parse_seconds(argument or "") or 0)
        elif name in _QUALIFIABLE and (listed := _field_names(argument)):
            withheld |= listed
        elif name in _KNOWN:
            values[attribute] = True
    if not values and not withheld:
        return NOTHING_SAID
    return CacheControl(**values, withheld=withheld)  # type: ignore[arg-type]


def _member(member: str) -> Said:
    name, equals, value = member.partition("=")
    bare_name = name.rstrip(" \t")
    # White space before "=" is outside the grammar: what the name limits still counts, what its
    # value would allow does not.
    argument = _unquoted(value if name == bare_name else "") if equals else None
    return bare_name.lower(), argument


def _has_type(name: str, value: object) -> bool:
    if value is True:
        return name not in _TIMES or name == "max-stale"
    return type(value) is int if name in _TIMES else type(value) is str and name in _QUALIFIABLE


def _text(line: bytes) -> str:
    return line.decode("latin-1")


def _field_names(argument: str | None) -> frozenset[bytes]:
    """Names in the argument of no-cache or private; none when it is not a list of names."""
    names = [name.strip(" \t") for name in (argument or "").split(",")]
    names = [name for name in names if name]
    if not all(_TOKEN.fullmatch(name) for name in names):
        return frozenset()
    return frozenset(name.lower().encode("ascii") for name in names)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value
