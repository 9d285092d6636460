"""Sizes, durations, addresses, URLs and names as people write them, and back into text.

Each `parse_x` accepts exactly the documented grammar in ASCII and raises `UnitError` otherwise;
`format_x` writes a text that parses to the same value. Bounds are the caller's business.
"""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from config.topology import Address

_BINARY: Final = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50}
_DECIMAL: Final = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
_SIZES: Final = {unit.lower(): size for unit, size in {**_BINARY, **_DECIMAL, "B": 1}.items()}
_SECONDS: Final = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}
_QUANTITY: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([A-Za-z]*)", re.ASCII)
_HOST_PORT: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([0-9]{1,5})", re.ASCII)
_HOST_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)
NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_NAME: Final = re.compile(NAME_PATTERN, re.ASCII)
_URL_LENGTH_MAX: Final = 2048


class UnitError(ValueError):
    """A text outside the grammar; `hint` says what would be inside it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def parse_size(text: str) -> int:
    """Bytes of `4096`, `64KiB` (1024s) or `1.5TB` (1000s)."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError("expected a size", "write it like 4096, 64KiB, 10GiB or 1.5TB")
    number, unit = match.groups()
    if unit.lower() in {"k", "m", "g", "t", "p"}:
        letter = unit.upper()
        raise UnitError(
            f"unit {unit!r} is ambiguous", f"write {number}{letter}iB (1024s) or {number}{letter}B"
        )
    factor = _SIZES.get(unit.lower() or "b")
    if factor is None:
        raise UnitError(f"unknown unit {unit!r}", "units are B, KiB, MiB, GiB, TiB, kB, MB, GB, TB")
    size = Decimal(number) * factor
    if size != size.to_integral_value():
        raise UnitError("not a whole number of bytes", "write a whole number, or a smaller unit")
    return int(size)


def format_size(size_bytes: int) -> str:
    """The shortest exact text in binary units."""
    for unit, factor in reversed(_BINARY.items()):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return str(size_bytes)


def parse_duration(text: str) -> float:
    """Seconds of `2`, `250ms`, `2s`, `5m`, `1h` or `7d`."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError("expected a duration", "write it like 250ms, 2s, 5m or 1h")
    number, unit = match.groups()
    factor = _SECONDS.get(unit or "s")
    if factor is None:
        raise UnitError(f"unknown unit {unit!r}", "units are ms, s, m, h and d")
    return float(Decimal(number) * factor)


def format_duration(seconds: float) -> str:
    """The shortest exact text."""
    exact = Decimal(repr(seconds))
    if not exact:
        return "0s"
    for unit in ("h", "m", "s", "ms"):
        count = exact / _SECONDS[unit]
        if count == count.to_integral_value():
            return f"{int(count)}{unit}"
    return f"{exact:f}s"


def parse_address(text: str) -> Address:
    """Host and port of `127.0.0.1:8000`, `name:8000` or `[::1]:8000`; port 0 means any free one."""
    match = _HOST_PORT.fullmatch(text)
    if match is None:
        raise UnitError("expected HOST:PORT", _address_hint(text))
    v6, host, port = match.groups()
    if int(port) > 65535:
        raise UnitError(f"port {port} is above 65535", "ports go from 1 to 65535")
    if v6 is not None:
        return Address(_v6(v6), int(port))
    if not host:
        raise UnitError("expected HOST:PORT", _address_hint(text))
    _require_host(host)
    return Address(host, int(port))


def parse_url(text: str) -> str:
    """An absolute http or https URL without credentials, query or fragment; returned unchanged."""
    if len(text) > _URL_LENGTH_MAX:
        raise UnitError(f"longer than {_URL_LENGTH_MAX} characters", "shorten it")
    if not text.isascii() or any(character <= " " or character == "\x7f" for character in text):
        raise UnitError(
            "a URL holds no blanks, control or non-ASCII characters", "write those as %XX"
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UnitError("not a URL", "write it like http://127.0.0.1:8000") from error
    if parts.scheme not in {"http", "https"} or not text.partition(":")[2].startswith("//"):
        raise UnitError("expected an http or https URL", "write it like http://127.0.0.1:8000")
    if "@" in parts.netloc:
        raise UnitError("a URL here holds no user name or password", "remove what is before the @")
    if not parts.hostname or port == 0:
        raise UnitError(
            "the URL names no host and port one could reach", "write it like http://127.0.0.1:8000"
        )
    if parts.netloc.startswith("["):
        _v6(parts.hostname)
    else:
        _require_host(parts.hostname)
    if "?" in text or "#" in text:
        raise UnitError("a URL here has no query and no fragment", "end it before the ? or #")
    return text


def parse_name(text: str) -> str:
    """A name that is safe in header fields, metrics and file names; returned unchanged."""
    if _NAME.fullmatch(text) is None:
        raise UnitError(
            "a name holds letters, digits, '.', '-' and '_', begins with a letter or digit and "
            "has at most 63 characters",
            "write it like edge-fra.1",
        )
    return text


def _v6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError as error:
        raise UnitError(
            f"{text!r} is not an IPv6 address", "write it like [2001:db8::1]"
        ) from error


def _require_host(host: str) -> None:
    if re.fullmatch(r"[0-9.]+", host, re.ASCII):
        try:
            ipaddress.IPv4Address(host)
        except ValueError as error:
            raise UnitError(
                f"{host!r} is not an IPv4 address", "write it like 192.0.2.1"
            ) from error
    elif len(host) > 253 or not all(map(_HOST_LABEL.fullmatch, host.rstrip(".").split("."))):
        raise UnitError(
            f"{host!r} is not a host name", "host names have letters, digits, dots and hyphens"
        )


def _address_hint(text: str) -> str:
    if re.fullmatch(r":?[0-9]{1,5}", text, re.ASCII):
        return f"write 127.0.0.1:{text.removeprefix(':')} or 0.0.0.0:{text.removeprefix(':')}"
    if text.startswith(("http:", "https:")):
        return "leave the scheme away"
    if text.count(":") > 1 and "[" not in text:
        return 'write an IPv6 address in brackets and quotes: "[::1]:8000"'
    return "write it like 127.0.0.1:8000"
