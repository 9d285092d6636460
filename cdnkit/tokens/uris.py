"""Which URLs a token of another dialect is for: rules on parts of a URL, and how they are kept.

RFC 9246 (2.1.15) has rules on the whole URL, CTA-5007 (catu) on its parts. Regular expressions
come from whoever holds a key, subjects from viewers, so only those are taken whose cost is
bounded: no group or repeat is repeated, and there are few places with anything to try.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

URL_LENGTH_MAX: Final = 2048
_PATTERN_LENGTH_MAX: Final = 512
_REPEATS_MAX: Final = 2
_CHOICES_MAX: Final = 6
# POSIX extended expressions (RFC 9246 2.1.15) mean the same in `re` without these.
_FOREIGN: Final = re.compile(r"\(\?|\\[0-9A-Za-z]|\[\[|\[:|\[\.|\[=|--|&&|\|\||~~")
_REPEATED_GROUP: Final = re.compile(r"[)*+?}][*+?{]")
_CLASS: Final = re.compile(r"\[\^?\]?[^\]]*\]")
_ESCAPED: Final = re.compile(r"\\.")
_FIXED_COUNT: Final = re.compile(r"\{[0-9]{1,3}\}")
_PORTS: Final = {"http": "80", "https": "443"}


class Part(enum.Enum):
    """What of a URL a rule looks at; numbers as in the claim catu of CTA-5007."""

    WHOLE = -1
    SCHEME = 0
    HOST = 1
    PORT = 2
    PATH = 3
    QUERY = 4
    PARENT_PATH = 5
    FILE_NAME = 6
    STEM = 7
    EXTENSION = 8


class Match(enum.Enum):
    """How a rule compares; numbers as in the claim catu of CTA-5007."""

    EXACT = 0
    PREFIX = 1
    SUFFIX = 2
    CONTAINS = 3
    REGEX = 4
    SHA256 = -1
    SHA512_256 = -2


@dataclass(frozen=True, slots=True)
class Rule:
    """One part of a URL has to match; `value` is text, digests in hexadecimal."""

    part: Part
    match: Match
    value: str


def admits_url(rules: Sequence[Rule], url: str) -> bool:
    """Whether a URL fits every rule."""
    if len(url) > URL_LENGTH_MAX:
        return False
    return all(_matches(rule, part_of(url, rule.part)) for rule in rules)


def part_of(url: str, part: Part) -> str:
    """One part of an absolute URL as it stands there; the host in small letters.

    The extension has its dot, the parent path no slash at its end, the query no question mark.
    """
    if part is Part.WHOLE:
        return url
    scheme, _, rest = url.partition("://")
    authority, slash, target = rest.partition("/")
    path, _, query = target.partition("?")
    match part:
        case Part.SCHEME:
            return scheme
        case Part.HOST:
            return _host_and_port(authority)[0]
        case Part.PORT:
            return _host_and_port(authority)[1] or _PORTS.get(scheme, "")
        case Part.QUERY:
            return query
    return _part_of_path(slash + path, part)


def _host_and_port(authority: str) -> tuple[str, str]:
    if authority.endswith("]") or ":" not in authority:
        return authority.lower(), ""
    host, _, port = authority.rpartition(":")
    return host.lower(), port


def _part_of_path(path: str, part: Part) -> str:
    if part is Part.PATH:
        return path
    parent, _, name = path.rpartition("/")
    if part is Part.PARENT_PATH:
        return parent
    if part is Part.FILE_NAME:
        return name
    dot = name.rfind(".")
    stem = name[:dot] if dot > 0 else name
    return stem if part is Part.STEM else name[len(stem) :]


def is_bounded(pattern: str) -> bool:
    """Whether an expression means here what it means to its writer, at a bounded cost."""
    if len(pattern) > _PATTERN_LENGTH_MAX or _FOREIGN.search(pattern):
        return False
    bare = _CLASS.sub("a", _ESCAPED.sub("a", pattern))
    if _REPEATED_GROUP.search(bare):
        return False
    bare = _FIXED_COUNT.sub("", bare)
    repeats = sum(map(bare.count, "*+{"))
    choices = bare.count("?") + bare.count("|")
    return repeats <= _REPEATS_MAX and choices <= _CHOICES_MAX and _compile(pattern) is not None


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _matches(rule: Rule, text: str) -> bool:
    value = rule.value
    match rule.match:
        case Match.EXACT:
            return text == value
        case Match.PREFIX:
            return text.startswith(value)
        case Match.SUFFIX:
            return text.endswith(value)
        case Match.CONTAINS:
            return value in text
        case Match.REGEX:
            pattern = _compile(value)
            return pattern is not None and pattern.fullmatch(text) is not None
        case Match.SHA256:
            return hashlib.sha256(text.encode()).hexdigest() == value
        case Match.SHA512_256:
            return hashlib.new("sha512_256", text.encode()).hexdigest() == value
