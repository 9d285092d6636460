"""What an edge knows of one stored answer: its head, its freshness, and which blocks it holds.

An entry is one version. When the origin's validator changes a new entry takes the key, with other
block files; responses in flight keep the old one, so bytes of two versions never meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from cdnkit.dates import parse_http_date
from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import Freshness
from cdnkit.validators import Validators, is_strong_etag
from edge.blockfile import BlockFile as BlockFile
from edge.respond import stored_lines, trace_of, whole_lines

if TYPE_CHECKING:
    from edge.cache.disk import Disk
    from edge.fill import Growing, Run
    from edge.reader import Reader
    from edge.targets import Hot

ABSENT, HELD, UNVERIFIED, EVICTED, PASSED_BY = 0, 1, 2, 3, 4
"""A block's state: never here; here; here since before an unclean stop and not read since; was here
but had to go; was served from memory and not kept."""

_AT_HAND = (HELD, UNVERIFIED)

SEPARATOR = b"\n"
"""Between the target and the variant in a key; no target contains it."""


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The head of an answer as kept: end-to-end fields only, and what follows from them."""

    status: int
    pairs: Sequence[Pair]
    requested_at: float
    received_at: float
    freshness: Freshness

    def softened(self, now: float, usable_seconds: int) -> StoredHead:
        """The same, stale from now on, but usable by those whose asking makes it fresh again.

        An answer that must not be used stale is not (RFC 9111 5.2.2.2).
        """
        age = int(now - self.freshness.born_at)
        lifetime = min(self.freshness.lifetime_seconds, max(0, age))
        usable = 0 if self.freshness.never_stale else age - lifetime + usable_seconds
        return replace(
            self,
            freshness=replace(
                self.freshness, lifetime_seconds=lifetime, stale_while_revalidate_seconds=usable
            ),
        )


class NotHeldError(Exception):
    """The owner of a block did not keep it, or is gone."""


@dataclass(slots=True, eq=False)
class Loan:
    """Of which worker an entry is, and under which number it is known there.

    `up` ends with the owner: what is held stays readable, nothing new comes. `number` is 0 for an
    entry that the owner does not know, because it was made here while the owner was away.
    """

    owner: int
    number: int
    up: bool = True
    touched: set[int] = field(default_factory=set)
    waiting: dict[int, Future[BlockFile]] = field(default_factory=dict)
    run: Run | None = None
    """The fill that began last."""

    def await_owner(self, block: int, file: BlockFile | None) -> Future[BlockFile]:
        """The file of a block that was received here and is written by its owner.

        `file` when that is done already.
        """
        waiting = self.waiting[block] = Future[BlockFile]()
        if file is not None or not self.up:
            self.settle(block, file)
        return waiting

    def settle(self, block: int, file: BlockFile | None) -> None:
        """The owner has spoken about a block that was received here too."""
        waiting = self.waiting.pop(block, None)
        if waiting is None:
            return
        if file is None:
            waiting.set_exception(NotHeldError())
        else:
            waiting.set_result(file)

    def end(self) -> None:
        """The owner is gone."""
        self.up = False
        for block in list(self.waiting):
            self.settle(block, None)


class Entry:
    """One version of the content behind a key. `size_bytes` is the whole length, `mark` that of the
    time in which it was last found good (`edge.trust`)."""

    __slots__ = (
        "block_bytes",
        "borrowers",
        "count",
        "disk",
        "files",
        "files_name",
        "gone",
        "growing",
        "head",
        "hots",
        "key",
        "lines",
        "loan",
        "mark",
        "number",
        "object_id",
        "present",
        "readers",
        "recent",
        "replaced",
        "request_pairs",
        "size_bytes",
        "store_id",
        "trace",
        "validators",
        "version",
        "was_read",
        "whole_lines",
    )

    def __init__(
        self,
        key: bytes,
        head: StoredHead,
        size_bytes: int,
        block_bytes: int,
        request_pairs: Sequence[Pair],
        disk: Disk,
    ) -> None:
        self.key = key
        self.size_bytes = size_bytes
        self.block_bytes = block_bytes
        self.count = -(-size_bytes // block_bytes)
        self.request_pairs = request_pairs
        self.disk = disk
        self.object_id = name_of(key)
        self.present = bytearray(self.count)
        self.files: list[BlockFile | None] = [None] * self.count
        self.growing: dict[int, Growing] = {}
        self.readers: set[Reader] = set()
        self.replaced = False
        # Nobody has its missing bytes any more, which is more than that it lost its key.
        self.gone = False
        self.borrowers: set[int] | None = None
        self.loan: Loan | None = None
        self.recent: bytearray | None = None
        self.hots: dict[Hot, None] = {}
        self.mark = ""
        self.number = 0
        self.store_id = 0
        self.head = head
        self.validators = self._take(head)
        self.version = version_of(self.validators, size_bytes, head)
        self.files_name = self.version
        self.was_read = False

    @property
    def is_rangeable(self) -> bool:
        """Whether blocks of one version can be told from another's (RFC 9111 3.4)."""
        return self.validators.etag is not None and is_strong_etag(self.validators.etag)

    @property
    def is_complete(self) -> bool:
        """Whether every block is held."""
        return not any(state in self.present for state in (ABSENT, EVICTED, PASSED_BY))

    def held_blocks(self) -> Iterator[int]:
        """Blocks of which there is a file, sound or in doubt."""
        return (block for block, state in enumerate(self.present) if state in _AT_HAND)

    def open_files(self, first: int, stop: int) -> list[BlockFile] | None:
        """The files of blocks [first, stop); None when one of them is not open."""
        files = self.files[first:stop]
        return None if None in files else files  # type: ignore[return-value]

    def block_size(self, block: int) -> int:
        """Bytes in a block; only the last may be shorter."""
        return min(self.block_bytes, self.size_bytes - block * self.block_bytes)

    def conditions(self) -> list[Pair]:
        """The fields that ask an origin whether this version still stands (RFC 9111 4.3.1)."""
        fields = FieldLines(self.head.pairs)
        etag, modified = fields.first(b"etag"), fields.first(b"last-modified")
        pairs: list[Pair] = [] if etag is None else [(b"if-none-match", etag)]
        return pairs if modified is None else [*pairs, (b"if-modified-since", modified)]

    def renew(self, head: StoredHead) -> None:
        """The same version with a newer head (RFC 9111 4.3.4)."""
        self.head = head
        self._take(head)
        self.cool()

    def _take(self, head: StoredHead) -> Validators:
        """Make once what every answer from this head needs of it."""
        fields = FieldLines(head.pairs)
        self.lines = stored_lines(head.pairs)
        self.whole_lines = whole_lines(head.pairs)
        self.trace = trace_of(fields)
        return validators_of(fields)

    def cool(self) -> None:
        """What the fast lane was taught of this entry no longer holds."""
        for hot in self.hots:
            hot.until = 0
        self.hots.clear()

    def has(self, block: int) -> bool:
        """Whether a block is held, or in memory whole."""
        growing = self.growing.get(block)
        return self.present[block] in _AT_HAND or (growing is not None and growing.is_full)

    def at_hand(self, block: int) -> bool:
        """Whether a block is held or on its way."""
        return self.present[block] in _AT_HAND or block in self.growing


def name_of(key: bytes) -> str:
    """The directory name of a key: 128 bits, so that equal names mean equal keys.

    The first byte is the shelf, which tells the owner: variants of a target stand on one.
    """
    target, variant, _ = key.partition(SEPARATOR)
    name = blake2b(key, digest_size=16).hexdigest()
    return blake2b(target, digest_size=16).hexdigest()[:2] + name[2:] if variant else name


def validators_of(fields: FieldLines) -> Validators:
    """ETag and Last-Modified of a stored head."""
    etag = fields.first(b"etag")
    modified = fields.first(b"last-modified")
    return Validators(
        None if etag is None else etag.decode("latin-1"),
        None if modified is None else parse_http_date(modified.decode("latin-1")),
    )


def version_of(validators: Validators, size_bytes: int, head: StoredHead) -> str:
    """A name for this version: equal exactly when blocks may be combined.

    Without a strong validator no two answers may be combined (RFC 9111 3.4), so the moment of
    receipt makes the name unique.
    """
    etag = validators.etag
    if etag is not None and is_strong_etag(etag):
        text = f"{etag}\n{size_bytes}"
    else:
        text = f"{head.received_at!r}\n{validators.last_modified}\n{size_bytes}"
    return blake2b(text.encode("latin-1"), digest_size=8).hexdigest()
