"""What an edge knows of one stored answer: its head, its freshness, and which blocks it holds.

An entry is one version. When the origin's validator changes a new entry takes the key, with other
block files; responses in flight keep the old one, so bytes of two versions never meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from cdnkit.dates import parse_http_date
from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import Freshness
from cdnkit.validators import Validators, is_strong_etag
from edge.blockfile import BlockFile
from edge.respond import stored_lines

if TYPE_CHECKING:
    from edge.cache.disk import Disk
    from edge.fastlane import Hot
    from edge.fill import Growing
    from edge.reader import Reader

ABSENT, HELD, UNVERIFIED, EVICTED = 0, 1, 2, 3
"""A block's state: never here; here; here since before an unclean stop and not read since; was here
but had to go."""

_AT_HAND = (HELD, UNVERIFIED)


@dataclass(frozen=True, slots=True)
class StoredHead:
    """The head of an answer as kept: end-to-end fields only, and what follows from them."""

    status: int
    pairs: Sequence[Pair]
    requested_at: float
    received_at: float
    freshness: Freshness


class Entry:
    """One version of the content behind a key. `size_bytes` is the whole length."""

    __slots__ = (
        "block_bytes",
        "count",
        "disk",
        "files",
        "files_name",
        "growing",
        "head",
        "hots",
        "key",
        "lines",
        "object_id",
        "present",
        "readers",
        "recent",
        "replaced",
        "request_pairs",
        "size_bytes",
        "store_id",
        "validators",
        "version",
        "was_read",
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
        self.recent: bytearray | None = None
        self.hots: dict[Hot, None] = {}
        self.store_id = 0
        self.head = head
        self.lines = stored_lines(head.pairs)
        self.validators = validators_of(FieldLines(head.pairs))
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
        return ABSENT not in self.present and EVICTED not in self.present

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
        self.lines = stored_lines(head.pairs)
        self.cool()

    def cool(self) -> None:
        """What the fast lane was taught of this entry no longer holds."""
        for hot in self.hots:
            hot.until = 0
        self.hots.clear()

    def at_hand(self, block: int) -> bool:
        """Whether a block is held or on its way."""
        return self.present[block] in _AT_HAND or block in self.growing


def name_of(key: bytes) -> str:
    """The directory name of a key: 128 bits, so that equal names mean equal keys."""
    return blake2b(key, digest_size=16).hexdigest()


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
