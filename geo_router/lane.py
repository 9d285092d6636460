"""The short way for redirects: plain reads answered from prepared bytes.

A connection begins here. As long as each piece that arrives is exactly one `GET` of an object with
a header block that was judged before (`headblock`), it is answered with a prepared status line, an
edge's URL and the target as received. At the first thing this module cannot prove (another
method, a reserved path, a forwarded address, half a request, two requests) the connection and its
bytes go over to the full server, which it never leaves. Both give byte-equal answers.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from cdnkit import wire
from cdnkit.dates import format_http_date
from cdnkit.service.logs import AccessLog
from cdnkit.tokens import split_token_path
from geo_router.atlas import Order
from geo_router.choose import Chooser, Pick
from geo_router.client_address import TrustedProxies, parse_address
from geo_router.families import Families
from geo_router.headblock import is_plain
from geo_router.locate import Locator

REQUEST_BYTES_MAX: Final = 4096
_HEADS_MAX: Final = 4096
_IDS_AT_ONCE: Final = 1024
_TARGET: Final = re.compile(
    rb"/[A-Za-z0-9/._~+=@,:;!$&'()*%-]*(?:\?[A-Za-z0-9/._~+=@,:;!$&'()*%?-]*)?"
)
_RESERVED: Final = frozenset(segment.encode() for segment in wire.RESERVED_FIRST_SEGMENTS)
_KEYS_MAX: Final = 16_384

Tally = Counter[tuple[str, str, str]]
"""Answers by site, rung and source of the place, as their labels: text is quick to hash."""


@dataclass(slots=True)
class LaneShared:
    """What all connections of the lane look things up in, and what they count."""

    families: Families
    locator: Locator
    trusted: TrustedProxies
    now: Callable[[], float]
    may_answer: Callable[[], bool]
    full_server: Callable[[], asyncio.Protocol]
    fields: dict[str, str]
    server_name: str
    log: AccessLog
    tier: str
    node: str
    connections: set[LaneConnection] = field(default_factory=set)
    tally: Tally = field(default_factory=Counter)
    heads: set[bytes] = field(default_factory=set)
    prefixes: dict[str, bytes] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)
    tail: bytes = b""
    ids: list[bytes] = field(default_factory=list)

    def tick(self) -> None:
        """Write the date anew."""
        lines = [f"{name}: {value}" for name, value in self.fields.items()]
        lines += ["Content-Length: 0", f"Date: {format_http_date(self.now())}"]
        lines += [f"Server: {self.server_name}", f"{wire.REQUEST_ID_HEADER}: "]
        self.tail = ("\r\n" + "\r\n".join(lines)).encode("latin-1")

    def prefix(self, url: str) -> bytes:
        """The answer up to the target."""
        prefix = self.prefixes.get(url)
        if prefix is None:
            prefix = f"HTTP/1.1 302 Found\r\nLocation: {url}".encode("latin-1")
            self.prefixes[url] = prefix
        return prefix

    def new_id(self) -> bytes:
        """Sixteen hexadecimal digits, not guessable."""
        if not self.ids:
            drawn = os.urandom(8 * _IDS_AT_ONCE).hex().encode()
            self.ids = [drawn[at : at + 16] for at in range(0, len(drawn), 16)]
        return self.ids.pop()

    def key_of(self, target: bytes) -> bytes:
        """What placement hashes; empty for a target that is not surely an object's."""
        key = _key_of(target)
        if len(self.keys) >= _KEYS_MAX:
            self.keys.clear()
        self.keys[target] = key
        return key

    def knows(self, head: bytes) -> bool:
        """Whether a header block changes nothing about a redirect; judged once, remembered."""
        if head in self.heads:
            return True
        if not is_plain(head):
            return False
        if len(self.heads) >= _HEADS_MAX:
            self.heads.clear()
        self.heads.add(head)
        return True


class LaneConnection(asyncio.Protocol):
    """One client connection for as long as it asks for nothing but redirects."""

    __slots__ = (
        "_address",
        "_chooser",
        "_client",
        "_order",
        "_shared",
        "_source",
        "_transport",
        "_version",
        "seen_at",
    )

    def __init__(self, shared: LaneShared) -> None:
        self._shared = shared
        self._transport: asyncio.Transport | None = None
        self._client = ""
        self._address: Any = None
        self._source = ""
        self._chooser: Chooser | None = None
        self._order: Order | None = None
        self._version = -1
        self.seen_at = 0.0
        """Monotonic moment of the last answer, or of the beginning."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is; proxies and nameless peers are not for here."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if isinstance(peer, tuple) else ""
        self._address = parse_address(self._client)
        self.seen_at = asyncio.get_running_loop().time()
        self._shared.connections.add(self)
        trusted = self._shared.trusted
        if self._address is None or (trusted and trusted.find(self._address) is not None):
            self._hand_over(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to do."""
        self._shared.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer, or leave it to the full server."""
        shared = self._shared
        end = data.find(b" HTTP/1.1\r\n")
        if data[:5] != b"GET /" or end < 0 or len(data) > REQUEST_BYTES_MAX:
            self._hand_over(data)
            return
        target, head = data[4:end], data[end + 11 :]
        if not (head in shared.heads or shared.knows(head)) or not shared.may_answer():
            self._hand_over(data)
            return
        key = shared.keys.get(target)
        if key is None:
            key = shared.key_of(target)
        if self._version != shared.locator.version:
            self._settle_place()
        # Nobody for this family of addresses, or the origin: the full server knows what then.
        pick: Pick | None = None
        if key and self._chooser is not None and self._order is not None:
            pick = self._chooser.take(self._order, key)
        if pick is None or pick.index < 0:
            self._hand_over(data)
            return
        request_id = shared.ids.pop() if shared.ids else shared.new_id()
        prefix = shared.prefixes.get(pick.url) or shared.prefix(pick.url)
        assert self._transport is not None
        self._transport.write(b"".join((prefix, target, shared.tail, request_id, b"\r\n\r\n")))
        shared.tally[pick.site, pick.rung._value_, self._source] += 1
        self.seen_at = 0.0
        if shared.log.enabled:
            self._log(target, request_id, pick)

    def pause_writing(self) -> None:
        """A client that does not read is not read from."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It took what it was sent."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Let the client go."""
        if self._transport is not None:
            self._transport.close()

    def _hand_over(self, data: bytes) -> None:
        transport, self._transport = self._transport, None
        assert transport is not None
        self._shared.connections.discard(self)
        full = self._shared.full_server()
        transport.set_protocol(full)
        full.connection_made(transport)
        if data:
            full.data_received(data)

    def _settle_place(self) -> None:
        shared = self._shared
        place = shared.locator.locate(self._address)
        self._version = shared.locator.version
        self._source = place.source.value
        self._chooser = shared.families.chooser(self._address)
        self._order = self._chooser.order(place)

    def _log(self, target: bytes, request_id: bytes, pick: Pick) -> None:
        log = self._shared.log
        log.append(
            {
                "time": log.now(),
                "tier": self._shared.tier,
                "node": self._shared.node,
                "request_id": request_id.decode(),
                "client": self._client,
                "method": "GET",
                "path": target.decode("latin-1"),
                "status": 302,
                "bytes": 0,
                "duration_ms": 0.0,
                "range": None,
                "user_agent": None,
                "edge": pick.edge,
                "rung": pick.rung.value,
                "place": self._source,
            }
        )


def _key_of(target: bytes) -> bytes:
    """What placement hashes; empty for a target that is not surely an object's."""
    if _TARGET.fullmatch(target) is None or b"/." in target:
        return b""
    path = target.partition(b"?")[0]
    segment = path[1:].partition(b"/")[0]
    if not segment or segment in _RESERVED or b"%" in segment:
        return b""
    return split_token_path(path.decode())[1].encode() if segment[0] == 0x7E else path
