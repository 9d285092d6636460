"""From an upstream's answer to an entry: may it be kept, and as what.

Decides with `cdnkit.freshness` and keeps the holdings in step; who asked and who receives the
content is `edge.fetch`'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cdnkit.errors import UpstreamError
from cdnkit.fields import FieldLines, Pair, end_to_end, updated_by_304
from cdnkit.freshness import (
    CachePolicy,
    Storability,
    assess,
    storability,
    vary_names,
    withheld_fields,
)
from edge.cache.holdings import Holdings
from edge.cache.records import BLOCKS_MAX
from edge.combine import is_same_head, is_what_was_asked, part_of
from edge.entry import Entry, StoredHead
from edge.http1.response import Framing
from edge.question import Question
from edge.upstream.lent import Lent


@dataclass(frozen=True, slots=True)
class Keep:
    """A new entry; bytes [start, stop) of it are in the answer, up to the end if `whole`."""

    entry: Entry
    start: int
    stop: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The version that is held already: its blocks stay good, the content is not needed."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class KeepLater:
    """Of unannounced length: kept by `Storing.adopt` once all of it was passed on."""


@dataclass(frozen=True, slots=True)
class PassOn:
    """For the asker alone; `uncacheable` says that others need not wait for the like."""

    uncacheable: bool


@dataclass(frozen=True, slots=True)
class AskForAll:
    """An answer to a request for a part that is of no use: ask for everything."""

    uncacheable: bool


_ABOUT_THE_REQUEST: Final = frozenset({Storability.AUTHORIZATION, Storability.REQUEST_NO_STORE})
"""Reasons that another viewer's question need not have."""

Verdict = Keep | Known | KeepLater | PassOn | AskForAll


class Storing:
    """Makes and renews entries for one worker.

    `policy_of` a target says what may be stored.
    """

    def __init__(
        self,
        holdings: Holdings,
        policy_of: Callable[[bytes], CachePolicy],
        block_bytes: int,
    ) -> None:
        self._holdings = holdings
        self._policy_of = policy_of
        self._block_bytes = block_bytes

    def judge(self, question: Question, lent: Lent) -> Verdict:
        """What becomes of an answer; a new entry has taken its key. Raises UpstreamError."""
        head, asked = lent.head, question.asked
        if head.status == 304:
            raise UpstreamError("the upstream answered a condition that was not made")
        part = None
        if head.status == 206:
            if asked is None:
                raise UpstreamError("the upstream answered with a part nobody asked for")
            part = part_of(head)
            if part is None or not is_what_was_asked(head, part, asked):
                return AskForAll(uncacheable=False)
        status = 200 if part is not None else head.status
        policy = self._policy_of(question.target)
        verdict = storability("GET", status, question.request.fields, head.fields, policy)
        if verdict is not Storability.STORE:
            # A failure passes: what will be said after it may well be stored.
            lasts = head.status < 500 and verdict not in _ABOUT_THE_REQUEST
            return PassOn(lasts) if part is None else AskForAll(lasts)
        if part is None and head.framing in (Framing.CHUNKED, Framing.CLOSE):
            return KeepLater()
        size = head.content_length if part is None else part.size_bytes
        assert size is not None
        if size > self._block_bytes * BLOCKS_MAX:
            return PassOn(False) if part is None else AskForAll(False)
        entry = self._make(question, lent, size, status)
        if part is not None and not entry.is_rangeable:
            return AskForAll(uncacheable=False)
        held = self._same_version(question, entry)
        if held is not None:
            return Known(held)
        self._holdings.put(question.target, question.request.fields, entry)
        if part is None:
            return Keep(entry, 0, size, whole=asked is not None or not entry.is_rangeable)
        return Keep(entry, part.start, part.stop, whole=False)

    def may_keep_post(self, question: Question, lent: Lent) -> bool:
        """May the answer to a POST that names itself serve who GETs the same (RFC 9110 9.3.3)?"""
        head, policy = lent.head, self._policy_of(question.target)
        verdict = storability("POST", head.status, question.request.fields, head.fields, policy)
        return head.status == 200 and verdict is Storability.STORE

    def adopt(self, question: Question, lent: Lent, size_bytes: int) -> Entry:
        """The entry of an answer whose length is known only now."""
        entry = self._make(question, lent, size_bytes, lent.head.status)
        self._holdings.put(question.target, question.request.fields, entry)
        return entry

    def freshen(self, entry: Entry, target: bytes, lent: Lent, epoch: int) -> None:
        """RFC 9111 4.3.4: the stored head takes over what the 304 to a question of `epoch` says."""
        pairs = updated_by_304(entry.head.pairs, lent.head.pairs)
        # An Age that came with the old answer says nothing about this moment.
        if b"age" not in lent.head.fields:
            pairs = [pair for pair in pairs if pair[0] != b"age"]
        policy, status = self._policy_of(target), entry.head.status
        verdict = storability("GET", status, FieldLines([]), FieldLines(pairs), policy)
        # What may not be stored any more serves its asker, and nobody after.
        overtaken = self._is_overtaken(target, epoch) or verdict is not Storability.STORE
        entry.renew(_head_of(status, pairs, lent, policy, overtaken))
        entry.mark = self._holdings.trust.mark(is_good=not overtaken)
        self._holdings.save_entry(entry)

    def believe(self, entry: Entry, question: Question, lent: Lent) -> None:
        """Its owner has answered with it, and would have asked had it been in doubt."""
        says = lent.says
        if says is None or says.is_stale:
            return
        if not self._is_overtaken(question.target, question.epoch):
            entry.mark = self._holdings.trust.marks.newest

    def speaks_of(self, entry: Entry, lent: Lent) -> bool:
        """Does the answer to a HEAD tell of what is held?"""
        return is_same_head(entry, lent.head)

    def _same_version(self, question: Question, entry: Entry) -> Entry | None:
        """The entry there already is, when this is its version once more."""
        held = self._holdings.find(question.target, question.request.fields)
        if (
            held is None
            or not held.is_rangeable
            or (held.version, held.block_bytes) != (entry.version, entry.block_bytes)
            or held.head.status != entry.head.status
            or vary_names(FieldLines(held.head.pairs)) != vary_names(FieldLines(entry.head.pairs))
        ):
            return None
        held.renew(entry.head)
        held.mark = entry.mark
        self._holdings.save_entry(held)
        return held

    def _make(self, question: Question, lent: Lent, size_bytes: int, status: int) -> Entry:
        head = lent.head
        policy = self._policy_of(question.target)
        kept = end_to_end(head.pairs, withheld_fields(head.fields, policy))
        dropped = (
            {b"content-length"} if head.status != 206 else {b"content-length", b"content-range"}
        )
        kept = [pair for pair in kept if pair[0] not in dropped]
        overtaken = self._is_overtaken(question.target, question.epoch)
        entry = Entry(
            question.target,
            _head_of(status, kept, lent, policy, overtaken),
            size_bytes,
            self._block_bytes,
            question.pairs,
            self._holdings.disk_for(question.target),
        )
        entry.mark = self._holdings.trust.mark(is_good=not overtaken)
        return entry

    def _is_overtaken(self, target: bytes, epoch: int) -> bool:
        """Has the content changed since it was asked for, as far as we were told?"""
        return self._holdings.epochs.is_past(target, epoch)


def _head_of(
    status: int, pairs: Sequence[Pair], lent: Lent, policy: CachePolicy, overtaken: bool
) -> StoredHead:
    times = lent.requested_at, lent.received_at
    freshness = assess(status, FieldLines(pairs), *times, policy)
    if overtaken:
        # Whoever asks next asks the upstream first, whatever the answer allows.
        freshness = replace(
            freshness,
            lifetime_seconds=0,
            stale_while_revalidate_seconds=0,
            stale_if_error_seconds=0,
        )
    return StoredHead(status, pairs, *times, freshness)
