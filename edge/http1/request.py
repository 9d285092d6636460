"""A request head, read strictly (RFC 9112 2-6): one meaning or a refusal with its status.

The edge forwards only messages it made itself, so nothing here repairs or normalises: the target
keeps its bytes, and a message that two parsers could read differently is refused and its connection
closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cdnkit.fields import FieldLines, Pair
from edge.http1.fields import (
    FieldError,
    TooManyFieldsError,
    members,
    parse_content_length,
    parse_fields,
)

HEAD_BYTES_MAX: Final = 32 * 1024
TARGET_BYTES_MAX: Final = 8 * 1024

_REQUEST_LINE: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x22\x24-\x7e]+) HTTP/([0-9])\.([0-9])\Z"
)
_ABSOLUTE: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)(/[^?]*|)(\?.*)?\Z")
# uri-host [ ":" port ] (RFC 3986 3.2.2); user information is never part of Host.
_HOST: Final = re.compile(
    rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]{0,5})?\Z"
    rb"|\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?\](?::[0-9]{0,5})?\Z"
)
_KNOWN_BUT_REFUSED: Final = frozenset({b"CONNECT", b"TRACE"})


class RefusedError(Exception):
    """The head cannot be served; the connection closes after `status`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Request:
    """One request head. `target` is path and query exactly as sent; `pairs` keeps the order."""

    method: bytes
    target: bytes
    minor_version: int
    host: bytes
    pairs: list[Pair]
    fields: FieldLines
    content_length: int
    chunked: bool
    keep_alive: bool
    expects_continue: bool

    @property
    def is_preflight(self) -> bool:
        """Whether a browser asks if it may ask (CORS)."""
        return self.method == b"OPTIONS" and b"access-control-request-method" in self.fields

    @property
    def has_body(self) -> bool:
        """Whether content follows the head."""
        return self.chunked or self.content_length > 0


def parse_request(head: bytes) -> Request:
    """Read a head that ends before its empty line.

    Raises RefusedError with 400, 405, 414, 431, 501 or 505.
    """
    line, _, block = head.partition(b"\r\n")
    match = _REQUEST_LINE.match(line)
    if match is None:
        raise _bad_request_line(line)
    method, target = match[1], match[2]
    if len(target) > TARGET_BYTES_MAX:
        raise RefusedError(414, "the target is too long")
    if match[3] != b"1":
        raise RefusedError(505, "only HTTP/1.x is spoken here")
    minor_version = min(int(match[4]), 1)
    try:
        pairs = parse_fields(block)
        fields = FieldLines(pairs)
        content_length = _content_length(fields)
    except TooManyFieldsError as error:
        raise RefusedError(431, str(error)) from None
    except FieldError as error:
        raise RefusedError(400, str(error)) from None
    host = _host(fields, minor_version)
    target, authority = _origin_form(method, target)
    if method in _KNOWN_BUT_REFUSED:
        raise RefusedError(405, "the method is not offered")
    chunked = _is_chunked(fields, minor_version, content_length)
    return Request(
        method=method,
        target=target,
        minor_version=minor_version,
        host=host if authority is None else authority,
        pairs=pairs,
        fields=fields,
        content_length=content_length or 0,
        chunked=chunked,
        keep_alive=_keeps_alive(fields, minor_version),
        expects_continue=minor_version == 1 and b"100-continue" in members(fields, b"expect"),
    )


def _bad_request_line(line: bytes) -> RefusedError:
    if len(line) > TARGET_BYTES_MAX:
        return RefusedError(414, "the request line is too long")
    return RefusedError(400, "the request line is outside the grammar")


def _content_length(fields: FieldLines) -> int | None:
    """One line, one number: a repeated length may be refused, so it is (RFC 9110 8.6)."""
    lengths = fields.lines(b"content-length")
    if len(lengths) > 1 or (lengths and b"," in lengths[0]):
        raise FieldError("more than one Content-Length")
    return parse_content_length(lengths)


def _host(fields: FieldLines, minor_version: int) -> bytes:
    """RFC 9112 3.2: exactly one valid Host in HTTP/1.1, at most one before."""
    hosts = fields.lines(b"host")
    if len(hosts) > 1 or (not hosts and minor_version >= 1):
        raise RefusedError(400, "exactly one Host field is required")
    host = hosts[0] if hosts else b""
    if _HOST.match(host) is None:
        raise RefusedError(400, "the Host field is not a host")
    return host


def _origin_form(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """Reduce absolute form to path and query; its authority replaces Host (RFC 9112 3.2.2)."""
    if target[:1] == b"/":
        return target, None
    if target == b"*" and method == b"OPTIONS":
        return target, None
    match = _ABSOLUTE.match(target)
    # An http URL without a host is invalid (RFC 9110 4.2.1).
    if match is not None and match[1][:1] not in (b"", b":") and _HOST.match(match[1]) is not None:
        return (match[2] or b"/") + (match[3] or b""), match[1]
    if method in _KNOWN_BUT_REFUSED:
        return target, None
    raise RefusedError(400, "the target is neither a path nor an absolute URL")


def _is_chunked(fields: FieldLines, minor_version: int, content_length: int | None) -> bool:
    """RFC 9112 6.1, 6.3: chunked alone, never beside a length, never in HTTP/1.0."""
    codings = members(fields, b"transfer-encoding")
    if not codings:
        if b"transfer-encoding" in fields:
            raise RefusedError(400, "Transfer-Encoding is empty")
        return False
    if content_length is not None:
        raise RefusedError(400, "Content-Length beside Transfer-Encoding")
    if minor_version == 0:
        raise RefusedError(400, "Transfer-Encoding in HTTP/1.0")
    if codings != [b"chunked"]:
        if codings[-1] == b"chunked" and codings.count(b"chunked") == 1:
            raise RefusedError(501, "only the chunked transfer coding is understood")
        if b"chunked" in codings:
            raise RefusedError(400, "chunked is not the last transfer coding")
        raise RefusedError(501, "only the chunked transfer coding is understood")
    return True


def _keeps_alive(fields: FieldLines, minor_version: int) -> bool:
    options = members(fields, b"connection")
    if b"close" in options:
        return False
    return minor_version >= 1 or b"keep-alive" in options
