"""Request heads that the lane may answer: plain reads of content, strictly read (RFC 9112 5).

A head passes when every line is well formed, no field comes twice and none asks for more than a
plain answer. Whatever else there is, the full server has to look at: this module never refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cdnkit.service.authority import is_valid_authority
from cdnkit.wire import CONTENT_PREFIX

HEAD_BYTES_MAX: Final = 4096
"""A longer head is for the full server, which has the limits on single lines."""

_LINES_MAX: Final = 64
_LINE_BYTES_MAX: Final = 2000
_KNOWN_MAX: Final = 4096
_FIRST: Final = re.compile(
    rb"(GET|HEAD) (%b([A-Za-z0-9._+=@,/-]+)(?:\?[A-Za-z0-9/._~+=@,:;!$&'()*%%?-]*)?) HTTP/1\.1"
    % re.escape(CONTENT_PREFIX.encode())
)
_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*")
_WEIGHTY: Final = frozenset(
    {
        "content-length",
        "expect",
        "http2-settings",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields that say something about a body, or about how to go on."""

_CHANGING: Final = frozenset({"range", "x-request-id", "traceparent", "tracestate"})
"""Fields that differ from request to request: not worth remembering."""


@dataclass(slots=True, eq=False)
class Asked:
    """A plain read. `fields` by lower-case names; `log_part` is what was rendered of it."""

    method: str
    target: str
    key: str
    fields: Mapping[str, str]
    log_part: str = ""


class HeadReader:
    """Reads heads; what came before is not judged again."""

    def __init__(self) -> None:
        self.leaves: frozenset[str] = frozenset()
        """Fields with which a read is for the full server."""
        self._known: dict[bytes, tuple[str, str]] = {}

    def read(self, head: bytes) -> Asked | None:
        """The read that a whole head asks for; None when it is not surely one.

        `head` ends with its empty line.
        """
        lines = head.split(b"\r\n")
        first = _FIRST.fullmatch(lines[0])
        if first is None or len(head) > HEAD_BYTES_MAX or len(lines) > _LINES_MAX:
            return None
        fields: dict[str, str] = {}
        for line in lines[1:-2]:
            pair = self._known.get(line) or self._judge(line)
            if pair is None or pair[0] in fields or pair[0] in self.leaves:
                return None
            fields[pair[0]] = pair[1]
        if "host" not in fields:
            return None
        return Asked(first[1].decode(), first[2].decode(), first[3].decode(), fields)

    def _judge(self, line: bytes) -> tuple[str, str] | None:
        match = _LINE.fullmatch(line)
        if match is None or len(line) > _LINE_BYTES_MAX:
            return None
        name, value = match[1].decode().lower(), match[2].decode()
        if name in _WEIGHTY or (name == "connection" and value.lower() != "keep-alive"):
            return None
        if name == "host" and not is_valid_authority(value):
            return None
        if name not in _CHANGING:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[line] = (name, value)
        return name, value
