"""Answers from an entry, whose blocks may still be on their way: head first, then bodies of blocks.

What is sent was selected by `edge.selection`; nothing is decided and nothing waits here.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from typing import Final

from cdnkit.cache_status import format_cache_status
from cdnkit.fields import FieldLines
from cdnkit.ranges import lay_out_multipart
from cdnkit.wire import MissClass, Outcome
from edge.account import Told
from edge.bodies import Bodies
from edge.entry import ABSENT, EVICTED, HELD, PASSED_BY, UNVERIFIED, Entry
from edge.exchange import Exchange
from edge.respond import hop_lines, not_modified_lines, status_line, trace_lines
from edge.selection import (
    Everything,
    Failed,
    NotModified,
    OutOfRange,
    Part,
    Parts,
    Selection,
)

__all__ = ["Bodies", "Entry", "EntryAnswers"]

_MISSING: Final = {
    EVICTED: MissClass.EVICTED,
    PASSED_BY: MissClass.ADMISSION,
    ABSENT: MissClass.COLD,
}
"""States of blocks that have to be fetched, and why; the first that is met says it."""


class EntryAnswers:
    """Makes answers from entries for one worker."""

    def __init__(
        self,
        node: str,
        bodies: Bodies,
        now: Callable[[], float] = time.time,
        lend: Callable[[Entry, int], tuple[int, int] | None] | None = None,
        promise: bytes = b"",
        cmsd_line: Callable[[Exchange], bytes] | None = None,
    ) -> None:
        self._promise = promise
        self._cmsd_line = cmsd_line
        self._node = node
        self._lend = lend
        self._bodies = bodies
        self._now = now

    def send(
        self,
        exchange: Exchange,
        told: Told,
        entry: Entry,
        selection: Selection,
        outcome: Outcome,
        asked_status: int | None = None,
    ) -> None:
        """Answer a GET or HEAD. `asked_status` is what the upstream said, if it was asked."""
        told.outcome, told.asked_status = outcome, asked_status
        match selection:
            case NotModified():
                told.status = 304
                text = status_line(304) + not_modified_lines(entry.head.pairs)
                exchange.reply(text + self._hop(exchange, told, entry) + b"\r\n")
            case Failed():
                self._bodiless(exchange, told, entry, 412, b"")
            case OutOfRange(content_range):
                extra = f"Content-Range: {content_range}\r\n".encode()
                self._bodiless(exchange, told, entry, 416, extra)
            case Everything():
                told.status = entry.head.status
                self._content(exchange, told, entry, selection)
            case Part():
                told.status = 206
                self._content(exchange, told, entry, selection)
            case Parts():
                told.status = 206
                self._multipart(exchange, told, entry, selection)

    def lane_heads(self, entry: Entry, now: float) -> tuple[bytes, bytes, float]:
        """Heads of a plain hit, whole and partial, up to the request id, and how long they hold."""
        freshness = entry.head.freshness
        member = format_cache_status(
            self._node,
            Outcome.HIT,
            ttl_seconds=int(freshness.born_at + freshness.lifetime_seconds - now),
        )
        lines = (
            entry.lines
            + b"Accept-Ranges: bytes\r\nAge: %d\r\n" % freshness.age_seconds(now)
            + trace_lines(entry.trace, member, self._node)
            + self._promise
        )
        # Age and ttl move when another whole second has passed since the content was born.
        until = freshness.born_at + math.ceil(now - freshness.born_at)
        return status_line(200) + lines, status_line(206) + lines, until

    def opening(
        self,
        exchange: Exchange,
        told: Told,
        entry: Entry,
        selection: Everything | Part,
        *,
        held: bool = False,
        is_shared: bool = False,
    ) -> tuple[bytes, int, int]:
        """The head of an answer with content, and which bytes [start, stop) come behind it.

        With `held` none do: the worker that asks reads them from the files. Where it `is_shared`
        it says nothing of one connection; `line_of` does.
        """
        match selection:
            case Everything(stop):
                start, extra = 0, entry.whole_lines
            case Part(start, stop, content_range):
                extra = f"Content-Range: {content_range}\r\n".encode()
        text = (
            status_line(told.status)
            + entry.lines
            + (b"Accept-Ranges: bytes\r\n" if entry.head.status == 200 else b"")
            + self._hop(exchange, told, entry, held=held, is_shared=is_shared)
            + extra
            + (b"Content-Length: %d\r\n\r\n" % (0 if held else stop - start))
        )
        return text, start, stop

    def _content(
        self, exchange: Exchange, told: Told, entry: Entry, selection: Everything | Part
    ) -> None:
        start = selection.start if isinstance(selection, Part) else 0
        _classify(told, entry, start, selection.stop)
        held = exchange.borrows and _is_held(exchange, entry, start, selection.stop)
        text, start, stop = self.opening(exchange, told, entry, selection, held=held)
        if exchange.request.method == b"HEAD" or start == stop or held:
            exchange.reply(text)
        else:
            exchange.deliver(text, self._bodies.part(exchange.connection, entry, start, stop))

    def _multipart(self, exchange: Exchange, told: Told, entry: Entry, parts: Parts) -> None:
        _classify(told, entry, parts.intervals[0][0], parts.intervals[-1][1])
        layout = lay_out_multipart(
            parts.intervals,
            entry.size_bytes,
            FieldLines(entry.head.pairs).text(b"content-type") or "application/octet-stream",
            secrets.token_hex(12),
        )
        lines = b"".join(
            line + b"\r\n"
            for line in entry.lines.split(b"\r\n")
            if line and not line.lower().startswith(b"content-type:")
        )
        text = (
            status_line(206)
            + lines
            + b"Accept-Ranges: bytes\r\n"
            + self._hop(exchange, told, entry)
            + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n"
            % (layout.content_type.encode(), layout.content_length)
        )
        exchange.deliver(text, self._bodies.parts(exchange.connection, entry, layout.segments))

    def _bodiless(
        self, exchange: Exchange, told: Told, entry: Entry, status: int, extra: bytes
    ) -> None:
        told.status, told.asked_status = status, None
        exchange.reply(
            status_line(status)
            + not_modified_lines(entry.head.pairs)
            + extra
            + self._hop(exchange, told, entry)
            + b"Content-Length: 0\r\n\r\n"
        )

    def line_of(self, exchange: Exchange) -> bytes:
        """What a viewer is told of its own connection."""
        if self._cmsd_line is None or not exchange.is_of_viewer:
            return b""
        return self._cmsd_line(exchange)

    def _hop(
        self,
        exchange: Exchange,
        told: Told,
        entry: Entry,
        *,
        held: bool = False,
        is_shared: bool = False,
    ) -> bytes:
        now = self._now()
        freshness = entry.head.freshness
        member = format_cache_status(
            self._node,
            told.outcome,
            miss_class=told.miss_class,
            forward=told.forward,
            forward_status=told.asked_status,
            ttl_seconds=int(freshness.born_at + freshness.lifetime_seconds - now),
            stored=told.outcome is Outcome.MISS,
            collapsed=told.collapsed,
        )
        lines = b"Age: %d\r\n" % freshness.age_seconds(now) + hop_lines(
            entry.trace,
            member,
            self._node,
            told.request_id,
            exchange.connection_line,
            self._promise if exchange.is_of_viewer else b"",
        )
        if not is_shared:
            lines += self.line_of(exchange)
        if exchange.asker is None or self._lend is None:
            return lines
        return lines + told.said(self._lend(entry, exchange.asker), held=held)


def _is_held(exchange: Exchange, entry: Entry, start: int, stop: int) -> bool:
    """Can the worker that asks read all of it from the files?"""
    first, last = start // entry.block_bytes, -(-stop // entry.block_bytes)
    states = entry.present[first:last]
    return (
        exchange.request.method == b"GET"
        and entry.loan is None
        and not entry.replaced
        and states.count(HELD) + states.count(UNVERIFIED) == len(states)
    )


def _classify(told: Told, entry: Entry, start: int, stop: int) -> None:
    """A hit on the entry is a hit on its bytes only if the blocks are here."""
    if told.outcome is not Outcome.HIT or start == stop:
        return
    first, last = start // entry.block_bytes, -(-stop // entry.block_bytes)
    states = entry.present[first:last]
    missing = sum(states.count(state) for state in _MISSING)
    for block, growing in entry.growing.items() if missing else ():
        # In memory whole and on its way to the disk: nothing has to be fetched for it.
        if first <= block < last and growing.is_full and states[block - first] != HELD:
            missing -= 1
    if missing:
        told.outcome = Outcome.PARTIAL
        told.miss_class = next(why for state, why in _MISSING.items() if state in states)
        if all(_is_late(entry, block) for block in range(first, last) if not entry.has(block)):
            told.miss_class = MissClass.READAHEAD_LATE


def _is_late(entry: Entry, block: int) -> bool:
    """Whether a block is on its way for nobody who reads it: it was to be here before."""
    return block in entry.growing and not any(
        reader.position < reader.stop and reader.cursor <= block < reader.stop_block
        for reader in entry.readers
    )
