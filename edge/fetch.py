"""Learning about content: the first request for a key, and asking whether an entry still stands.

One question per key at a time, however many viewers wait. What may be stored becomes an entry and
its content is poured into blocks; what may not goes to the viewer whose question it was, and the
others ask for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from cachetools import TTLCache

from cdnkit.errors import CinedgeError, UpstreamError
from cdnkit.fields import FieldLines, Pair, end_to_end, updated_by_304
from cdnkit.freshness import (
    CachePolicy,
    Storability,
    assess,
    storability,
    vary_names,
    withheld_fields,
)
from cdnkit.ranges import ContentRange, parse_content_range
from cdnkit.wire import MissClass
from edge.cache.holdings import Holdings
from edge.cache.records import BLOCKS_MAX
from edge.entry import Entry, StoredHead
from edge.fill import Fills, VersionChangedError
from edge.http1.request import Request
from edge.http1.response import Framing, ResponseHead
from edge.onward import shared_pairs
from edge.origin import Origin
from edge.upstream.connection import InterimListener
from edge.upstream.upstreams import Lent

PASS_SECONDS: Final = 10.0
"""How long a key that could not be stored is passed on without queueing (hit-for-miss)."""
_VARIANTS_MAX: Final = 3
"""Questions of others a viewer waits for before asking by itself."""


@dataclass(slots=True)
class Learned:
    """What came of a question: an entry, or an answer for the asker alone, or neither."""

    entry: Entry | None
    status: int
    lent: Lent | None = None
    keep: Callable[[bytes], None] | None = None

    def drop(self) -> None:
        """Nobody takes the unstored answer."""
        lent = self.claim()
        if lent is not None:
            lent.connection.abort()
            lent.release()

    def claim(self) -> Lent | None:
        """Take the unstored answer; the first caller gets it."""
        lent, self.lent = self.lent, None
        return lent


class Fetcher:
    """Questions to upstreams, one per key at a time."""

    def __init__(
        self,
        holdings: Holdings,
        fills: Fills,
        origin: Origin,
        policy: CachePolicy,
        block_bytes: int,
    ) -> None:
        self._holdings = holdings
        self._fills = fills
        self._origin = origin
        self._policy = policy
        self._block_bytes = block_bytes
        self._asking: dict[bytes, asyncio.Task[Learned]] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        self._uncacheable: TTLCache[bytes, bool] = TTLCache(100_000, PASS_SECONDS)

    def is_uncacheable(self, key: bytes) -> bool:
        """Whether the key's answer could not be stored a moment ago."""
        return key in self._uncacheable

    async def learn(
        self,
        key: bytes,
        target: bytes,
        request: Request,
        first_byte: int | None,
        on_interim: InterimListener | None,
    ) -> tuple[Learned, bool]:
        """Ask for content nothing is known of; True when another viewer's question served.

        `first_byte` is where the viewer wants to begin, None for the whole. Raises UpstreamError.
        """
        joined = False
        for _ in range(_VARIANTS_MAX):
            learned, joined = await self._once(
                key, lambda: self._learn(target, request, first_byte, on_interim)
            )
            if learned.entry is None or not joined:
                return learned, joined
            # The question was another viewer's: its answer may be a variant this one cannot have.
            key = self._holdings.key_of(target, request.fields)
            if learned.entry.key == key:
                return learned, joined
            entry = self._holdings.entries.get(key)
            if entry is not None:
                return Learned(entry, entry.head.status), joined
        return await self._learn(target, request, first_byte, on_interim), False

    async def revalidate(self, entry: Entry, target: bytes, request: Request) -> Learned:
        """Ask whether an entry still stands; a new version becomes a new entry.

        Raises UpstreamError.
        """
        learned, joined = await self._once(
            entry.key, lambda: self._revalidate(entry, target, request)
        )
        if joined and learned.entry is not None:
            key = self._holdings.key_of(target, request.fields)
            if learned.entry.key != key:
                learned, _ = await self.learn(key, target, request, None, None)
        return learned

    def refresh(self, entry: Entry, target: bytes, request: Request) -> None:
        """Revalidate behind the viewer's back; a failure leaves the entry as it is."""
        if entry.key not in self._asking:
            task = asyncio.ensure_future(self._refresh(entry, target, request))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)

    def invalidate(self, target: bytes, answer: ResponseHead, host: bytes) -> None:
        """An unsafe method succeeded: its target and what it names are out of date.

        RFC 9111 4.4; only paths of the same authority count.
        """
        targets = {target}
        for name in (b"location", b"content-location"):
            value = answer.fields.first(name)
            if value is not None:
                path = _own_path(value, target, host)
                if path is not None:
                    targets.add(path)
        for stale in targets:
            for entry in self._holdings.variants_of(stale):
                self._holdings.remove(entry, MissClass.PURGED)
            self._uncacheable.pop(stale, None)

    async def _refresh(self, entry: Entry, target: bytes, request: Request) -> None:
        try:
            learned = await self.revalidate(entry, target, request)
        except CinedgeError:
            return
        learned.drop()

    async def close(self) -> None:
        """End all questions."""
        tasks = [*self._refreshing, *self._asking.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(
        self, key: bytes, ask: Callable[[], Coroutine[Any, Any, Learned]]
    ) -> tuple[Learned, bool]:
        asking = self._asking.get(key)
        joined = asking is not None
        if asking is None:
            asking = asyncio.ensure_future(ask())
            self._asking[key] = asking
            asking.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(asking), joined

    def _answered(self, key: bytes, done: asyncio.Task[Learned]) -> None:
        self._asking.pop(key, None)
        if not done.cancelled():
            # Every waiter has its own view of the failure; an unwaited one is no news.
            done.exception()

    async def _learn(
        self,
        target: bytes,
        request: Request,
        first_byte: int | None,
        on_interim: InterimListener | None,
    ) -> Learned:
        pairs = shared_pairs(request)
        for asked in self._ways_to_ask(first_byte):
            own = [(b"range", b"bytes=%d-%d" % (asked[0], asked[1] - 1))]
            lent = await self._origin.ask(target, b"GET", pairs, own, on_interim)
            if lent.head.status == 416:
                await self._discard(lent)
                continue
            learned = await self._take(target, request, pairs, lent, asked)
            if learned is not None:
                return learned
            break
        lent = await self._origin.ask(target, b"GET", pairs, [], on_interim)
        learned = await self._take(target, request, pairs, lent, None)
        if learned is None:
            raise UpstreamError("the upstream's answers contradict each other")
        return learned

    def _ways_to_ask(self, first_byte: int | None) -> list[tuple[int, int]]:
        """Parts to ask for before everything: the block wanted, else the first."""
        if first_byte is None:
            return []
        start = first_byte // self._block_bytes * self._block_bytes
        wanted, beginning = (start, start + self._block_bytes), (0, self._block_bytes)
        return [wanted] if start == 0 else [wanted, beginning]

    async def _take(
        self,
        target: bytes,
        request: Request,
        pairs: Sequence[Pair],
        lent: Lent,
        asked: tuple[int, int] | None,
    ) -> Learned | None:
        """Store the answer if that is allowed; None: ask for everything instead."""
        try:
            learned = self._judge(target, request, pairs, lent, asked)
        except BaseException:
            lent.connection.abort()
            lent.release()
            raise
        if learned is None:
            await self._discard(lent)
        return learned

    def _judge(
        self,
        target: bytes,
        request: Request,
        pairs: Sequence[Pair],
        lent: Lent,
        asked: tuple[int, int] | None,
    ) -> Learned | None:
        head = lent.head
        part = None
        if head.status == 206:
            if asked is None:
                raise UpstreamError("the upstream answered with a part nobody asked for")
            part = _part_of(head)
            if part is None or not _is_what_was_asked(head, part, asked):
                return None
        status = 200 if part is not None else head.status
        verdict = storability("GET", status, request.fields, head.fields, self._policy)
        if verdict is not Storability.STORE:
            self._uncacheable[target] = True
            return None if asked is not None else Learned(None, head.status, lent)
        if part is None and head.framing in (Framing.CHUNKED, Framing.CLOSE):
            keep = self._keeper(target, request, pairs, lent)
            return Learned(None, head.status, lent, keep)
        size = head.content_length if part is None else part.size_bytes
        assert size is not None
        if size > self._block_bytes * BLOCKS_MAX:
            return None if asked is not None else Learned(None, head.status, lent)
        entry = self._entry(target, request, pairs, lent, size, status)
        if part is not None and not entry.is_rangeable:
            return None
        held = self._same_version(target, request, entry)
        if held is not None:
            lent.connection.abort()
            lent.release()
            return Learned(held, head.status)
        self._holdings.put(target, request.fields, entry)
        if part is None:
            whole = asked is not None or not entry.is_rangeable
            self._fills.spawn(entry, lent, 0, size, whole)
        else:
            self._fills.spawn(entry, lent, part.start, part.stop, whole=False)
        return Learned(entry, head.status)

    def _same_version(self, target: bytes, request: Request, entry: Entry) -> Entry | None:
        """The entry there already is, when this is its version once more: its blocks stay good."""
        held = self._holdings.find(target, request.fields)
        if (
            held is None
            or not held.is_rangeable
            or (held.version, held.block_bytes) != (entry.version, entry.block_bytes)
            or held.head.status != entry.head.status
            or vary_names(FieldLines(held.head.pairs)) != vary_names(FieldLines(entry.head.pairs))
        ):
            return None
        held.renew(entry.head)
        self._holdings.save_entry(held)
        return held

    def _entry(
        self,
        target: bytes,
        request: Request,
        pairs: Sequence[Pair],
        lent: Lent,
        size: int,
        status: int,
    ) -> Entry:
        head = lent.head
        kept = end_to_end(head.pairs, withheld_fields(head.fields, self._policy))
        kept = [pair for pair in kept if pair[0] not in (b"content-range", b"content-length")]
        stored = StoredHead(
            status,
            kept,
            lent.requested_at,
            lent.received_at,
            assess(status, head.fields, lent.requested_at, lent.received_at, self._policy),
        )
        disk = self._holdings.disk_for(target)
        return Entry(target, stored, size, self._block_bytes, pairs, disk)

    def _keeper(
        self, target: bytes, request: Request, pairs: Sequence[Pair], lent: Lent
    ) -> Callable[[bytes], None]:
        """What to do with an answer of unannounced length once all of it was passed on."""

        def keep(content: bytes) -> None:
            entry = self._entry(target, request, pairs, lent, len(content), lent.head.status)
            self._holdings.put(target, request.fields, entry)
            self._fills.store(entry, content)

        return keep

    async def _revalidate(self, entry: Entry, target: bytes, request: Request) -> Learned:
        fields = FieldLines(entry.head.pairs)
        own: list[Pair] = []
        for name, source in ((b"if-none-match", b"etag"), (b"if-modified-since", b"last-modified")):
            value = fields.first(source)
            if value is not None:
                own.append((name, value))
        pairs = shared_pairs(request)
        lent = await self._origin.ask(target, b"GET", pairs, own, None)
        if lent.head.status == 304:
            await self._discard(lent)
            self._freshen(entry, lent)
            return Learned(entry, 304)
        if lent.head.status >= 500:
            return Learned(None, lent.head.status, lent)
        learned = await self._take(target, request, pairs, lent, None)
        if learned is None:
            raise UpstreamError("the upstream answered a question nobody asked")
        if learned.entry is None and learned.keep is None:
            self._holdings.remove(entry, MissClass.EXPIRED)
        return learned

    def _freshen(self, entry: Entry, lent: Lent) -> None:
        """RFC 9111 4.3.4: the stored head takes over what the 304 says."""
        pairs = updated_by_304(entry.head.pairs, lent.head.pairs)
        # An Age that came with the old answer says nothing about this moment.
        if b"age" not in lent.head.fields:
            pairs = [pair for pair in pairs if pair[0] != b"age"]
        freshness = assess(
            entry.head.status,
            FieldLines(pairs),
            lent.requested_at,
            lent.received_at,
            self._policy,
        )
        entry.renew(
            StoredHead(entry.head.status, pairs, lent.requested_at, lent.received_at, freshness)
        )
        self._holdings.save_entry(entry)

    async def _discard(self, lent: Lent) -> None:
        """Drop an answer; a short one is read so that its connection lives on."""
        if lent.head.framing is not Framing.NONE:
            lent.connection.abort()
        else:
            await lent.connection.pour(_NOWHERE)
        lent.release()


class _Nowhere:
    """Sink of answers without content."""

    def view(self) -> memoryview:
        return memoryview(bytearray(1))

    def received(self, size: int) -> bool:
        return False


_NOWHERE: Final = _Nowhere()


def check_part(entry: Entry, head: ResponseHead, start: int, stop: int) -> None:
    """See that an answer to a range request may be combined with the blocks held.

    RFC 9111 3.4: same strong validator, same length, the range that was asked for. Raises
    UpstreamError, VersionChangedError when the content is another by now.
    """
    if head.status not in (200, 206):
        if head.status in (404, 410, 412, 416):
            raise VersionChangedError("the upstream has no such bytes any more")
        raise UpstreamError(f"the upstream answered a range request with {head.status}")
    etag = head.fields.first(b"etag")
    if not entry.is_rangeable or etag is None or etag.decode("latin-1") != entry.validators.etag:
        raise VersionChangedError("the upstream has another version now")
    if head.status == 200:
        if head.framing is not Framing.LENGTH or head.content_length != entry.size_bytes:
            raise VersionChangedError("the upstream's content has another length now")
        return
    part = _part_of(head)
    if part is None or (part.start, part.stop) != (start, stop):
        raise UpstreamError("the upstream answered with another range")
    if part.size_bytes != entry.size_bytes:
        raise VersionChangedError("the upstream's content has another length now")
    if not _is_consistent(head, part):
        raise UpstreamError("the upstream's range and length differ")


def _own_path(value: bytes, target: bytes, host: bytes) -> bytes | None:
    """The target a Location means, None when it is another authority's (RFC 9111 4.4)."""
    base = urlsplit("http://" + host.decode("latin-1") + target.decode("latin-1"))
    try:
        url = urlsplit(urljoin(base.geturl(), value.decode("latin-1")))
    except ValueError:
        return None
    if url.netloc.lower() != base.netloc.lower():
        return None
    return (url.path + ("?" + url.query if url.query else "")).encode("latin-1")


def _part_of(head: ResponseHead) -> ContentRange | None:
    lines = head.fields.lines(b"content-range")
    return parse_content_range(lines[0].decode("latin-1")) if len(lines) == 1 else None


def _is_what_was_asked(head: ResponseHead, part: ContentRange, asked: tuple[int, int]) -> bool:
    """Blocks are filled from their beginning: another part, though legal, is of no use."""
    if part.size_bytes is None or not _is_consistent(head, part):
        return False
    return (part.start, part.stop) == (asked[0], min(asked[1], part.size_bytes))


def _is_consistent(head: ResponseHead, part: ContentRange) -> bool:
    return head.framing is not Framing.LENGTH or head.content_length == part.stop - part.start
