"""Targets that the full path answered as plain hits a moment ago: what the fast lane repeats.

Bounded in number and in the bytes of small objects kept in memory; the oldest goes first.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import Final

from cdnkit.titles import counted_title
from edge.entry import Entry
from edge.lanelog import target_texts

COPIED_BYTES_MAX: Final = 8 * 1024
"""Up to here one write from memory beats sendfile."""
TARGETS_MAX: Final = 50_000
"""About 2 KiB each with its heads and log texts."""
CONTENTS_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of small objects kept in memory; those beyond go out from their files."""


class Hot:
    """A target whose plain requests need no decision until `until`.

    The heads hold until `heads_until`, when Age has to move on. Both are wall-clock times.
    Content-Length's line follows the head, or what `size_text` begins behind a range. `unbilled`
    are bytes sent that were not counted for the title yet.
    """

    __slots__ = (
        "content",
        "entry",
        "head_200",
        "head_206",
        "heads_until",
        "log_part",
        "log_whole",
        "size_text",
        "title",
        "unbilled",
        "until",
    )

    def __init__(self, target: bytes, entry: Entry, until: float, session: str) -> None:
        self.entry = entry
        self.until = until
        self.heads_until = 0.0
        self.title = counted_title(target.decode("latin-1"))
        self.unbilled = 0
        self.head_200 = b""
        self.head_206 = b""
        self.size_text = b"/%d\r\nContent-Length: " % entry.size_bytes
        self.content: bytes | None = None
        self.log_whole, self.log_part = target_texts(target, session)


class Targets:
    """The targets of one worker's lane, by request line up to the second space."""

    def __init__(self, targets_max: int) -> None:
        self.by_line: OrderedDict[bytes, Hot] = OrderedDict()
        self.contents_bytes = 0
        self._targets_max = targets_max

    def teach(self, target: bytes, entry: Entry, until: float, session: str) -> None:
        """The full path answered this target as a plain hit; until then it would again."""
        if not self._targets_max or (entry.count == 1 and entry.files[0] is None):
            # With its file on the way, a small object would be taught without its content.
            return
        key = b"GET " + target
        known = self.by_line.get(key)
        if known is not None and known.entry is entry and known.until:
            known.until = until
            return
        if known is not None:
            self._let_go(self.by_line.pop(key))
        while len(self.by_line) >= self._targets_max:
            self._let_go(self.by_line.popitem(last=False)[1])
        hot = Hot(target, entry, until, session)
        self._keep_content(hot)
        entry.hots[hot] = None
        self.by_line[key] = hot

    def clear(self) -> None:
        """Let the full path decide again, of every target."""
        while self.by_line:
            self._let_go(self.by_line.popitem()[1])

    def without_cmcd(self, line: bytes) -> Hot | None:
        """The target without a player's CMCD argument, which names the viewer, not the content.

        Only the last argument is taken off, and only a real one: behind the first question mark.
        """
        cut = line.find(b"CMCD=")
        if cut < 1 or b"&" in line[cut:]:
            return None
        mark = line.find(b"?")
        if not 0 <= mark < cut or (mark != cut - 1 and line[cut - 1] not in b"&"):
            return None
        return self.by_line.get(line[: cut - 1])

    def _keep_content(self, hot: Hot) -> None:
        entry = hot.entry
        size = entry.size_bytes
        if size > COPIED_BYTES_MAX or self.contents_bytes + size > CONTENTS_BYTES_MAX:
            return
        content = next(reversed(entry.hots)).content if entry.hots else None
        if content is None:
            file = entry.files[0] if entry.count == 1 else None
            content = None if file is None else os.pread(file.fd, size, 0)
        if content is not None and len(content) == size:
            hot.content = content
            self.contents_bytes += size

    def _let_go(self, hot: Hot) -> None:
        hot.until = 0.0
        hot.entry.hots.pop(hot, None)
        if hot.content is not None:
            self.contents_bytes -= len(hot.content)
