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
from cdnkit.service.health import Health
from cdnkit.tokens import split_token_path
from geo_router.atlas import Order
from geo_router.choose import Chooser, Pick
from geo_router.client_address import parse_address
from geo_router.headblock import is_plain
from geo_router.lanelog import RedirectLog, choice_text, client_text
from geo_router.realm import Realm

REQUEST_BYTES_MAX: Final = 4096
_HEADS_MAX: Final = 4096
_IDS_AT_ONCE: Final = 1024
_TARGET: Final = re.compile(
    rb"/[A-Za-z0-9/._~+=@,:;!$&'()*%-]*(?:\?[A-Za-z0-9/._~+=@,:;!$&'()*%?-]*)?"
)
_RESERVED: Final = frozenset(segment.encode() for segment in wire.RESERVED_FIRST_SEGMENTS)
_KEYS_MAX: Final = 16_384
_WAYS_MAX: Final = 4096
_VERSION: Final = b" HTTP/1.1\r\n"

Record = Callable[[bytes, bytes, Pick, str], None]
Label = tuple[str, str, str, tuple[int, int]]
"""Site, rung, source of the place (as their labels: text is quick to hash) and its square."""

Tally = Counter[Label]
"""Answers by label."""


Origin = tuple[str, tuple[int, int]]
"""What told the place of a viewer, and the square it lies in."""


@dataclass(slots=True, eq=False)
class Way:
    """What redirects by one pick have in common, for viewers of one square and source."""

    prefix: bytes
    """The answer up to the target."""
    choice: bytes
    """The end of a line of the log."""
    label: Label
    times: int = 0
    """How often it was taken and not counted yet."""


@dataclass(slots=True)
class LaneShared:
    """What all connections of the lane look things up in, and what they count."""

    realm: Realm
    now: Callable[[], float]
    health: Health
    full_server: Callable[[], asyncio.Protocol]
    fields: dict[str, str]
    server_name: str
    log: RedirectLog
    polled: Realm | None = None
    connections: set[LaneConnection] = field(default_factory=set)
    tally: Tally = field(default_factory=Counter)
    ends: dict[bytes, bytes] = field(default_factory=dict)
    ways: dict[Origin, dict[Pick, Way]] = field(default_factory=dict)
    """By where viewers come from, then by pick."""
    keys: dict[bytes, bytes] = field(default_factory=dict)
    excludes: dict[bytes, Callable[[float, str], bool]] = field(default_factory=dict)
    """For targets of `keys` with a token: whether it excludes a moment or a country."""
    record: Record | None = None
    """Told of each redirect, where some are recorded: its id, target, pick and source."""
    tail: bytes = b""
    ids: list[bytes] = field(default_factory=list)

    def may_answer(self) -> bool:
        """Not while the process drains, nor before every edge was looked at once."""
        if self.realm is not self.polled:
            if not self.realm.families.is_polled:
                return False
            self.polled = self.realm  # and stays so
        return not self.health.is_draining

    def adopt(self, realm: Realm) -> None:
        """Look things up in a new topology from now on."""
        self.realm = realm
        self.forget_targets()

    def tick(self) -> None:
        """Write the date anew."""
        lines = [f"{name}: {value}" for name, value in self.fields.items()]
        lines += ["Content-Length: 0", f"Date: {format_http_date(self.now())}"]
        lines += [f"Server: {self.server_name}", f"{wire.REQUEST_ID_HEADER}: "]
        self.tail = ("\r\n" + "\r\n".join(lines)).encode("latin-1")

    def way(self, origin: Origin, pick: Pick) -> Way:
        """The way of a pick, kept until the next `take_tally`."""
        ways, (source, square) = self.ways[origin], origin
        if len(ways) >= _WAYS_MAX:
            self._gather()
        rung = pick.rung.value
        prefix = f"HTTP/1.1 302 Found\r\nLocation: {pick.url}".encode("latin-1")
        choice = choice_text(pick.edge, rung, source)
        way = ways[pick] = Way(prefix, choice, (pick.site, rung, source, square))
        return way

    def take_tally(self) -> Tally:
        """What was answered since this was called last."""
        self._gather()
        tally, self.tally = self.tally, Counter()
        return tally

    def _gather(self) -> None:
        for ways in self.ways.values():
            for way in ways.values():
                self.tally[way.label] += way.times
            # Connections hold these dictionaries; picks of an older fleet leave them here.
            ways.clear()

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
            self.forget_targets()
        self.keys[target] = key
        bound = self.realm.gate.bound_of(target.decode()) if key else None
        if bound is not None:
            self.excludes[target] = bound.excludes
        return key

    def forget_targets(self) -> None:
        """Look at each target anew."""
        self.keys.clear()
        self.excludes.clear()

    def known_end(self, end: bytes) -> bytes:
        """What follows a target, when its header block changes nothing about a redirect; else
        empty. Judged once, and one object for all who send the same."""
        known = self.ends.get(end)
        if known is not None:
            return known
        if not is_plain(end[len(_VERSION) :]):
            return b""
        if len(self.ends) >= _HEADS_MAX:
            self.ends.clear()
        self.ends[end] = end
        return end


class LaneConnection(asyncio.Protocol):
    """One client connection for as long as it asks for nothing but redirects."""

    __slots__ = (
        "_address",
        "_chooser",
        "_client_text",
        "_country",
        "_end",
        "_order",
        "_origin",
        "_shared",
        "_transport",
        "_version",
        "_ways",
        "seen_at",
    )

    def __init__(self, shared: LaneShared) -> None:
        self._shared = shared
        self._transport: asyncio.Transport | None = None
        self._client_text = b""
        self._address: Any = None
        self._origin: Origin = ("", (0, 0))
        self._country = ""
        self._chooser: Chooser | None = None
        self._order: Order | None = None
        self._version = -1
        self._ways: dict[Pick, Way] = {}
        self._end = b""
        """What followed the target last time; compared, where a look-up would hash it."""
        self.seen_at = 0.0
        """Monotonic moment of the last answer, or of the beginning."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is; proxies and nameless peers are not for here."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        client = peer[0] if isinstance(peer, tuple) else ""
        self._client_text = client_text(client)
        self._address = parse_address(client)
        self.seen_at = asyncio.get_running_loop().time()
        self._shared.connections.add(self)
        trusted = self._shared.realm.trusted
        if self._address is None or (trusted and trusted.find(self._address) is not None):
            self._hand_over(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to do."""
        self._shared.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer, or leave it to the full server."""
        shared = self._shared
        if data[:5] != b"GET /" or len(data) > REQUEST_BYTES_MAX:
            self._hand_over(data)
            return
        end = self._end
        if not (end and data.endswith(end)):
            end = self._find_end(data)
        if not end or not shared.may_answer():
            self._hand_over(data)
            return
        target = data[4 : -len(end)]
        key = shared.keys.get(target)
        if key is None:
            key = shared.key_of(target)
        if self._version != shared.realm.locator.version:
            self._settle_place()
        if target in shared.excludes and shared.excludes[target](shared.now(), self._country):
            self._hand_over(data)
            return
        # Nobody for this family of addresses, or the origin: the full server knows what then.
        pick: Pick | None = None
        if key and self._chooser is not None and self._order is not None:
            pick = self._chooser.take(self._order, key)
        if pick is None or pick.index < 0:
            self._hand_over(data)
            return
        request_id = shared.ids.pop() if shared.ids else shared.new_id()
        way = self._ways.get(pick) or shared.way(self._origin, pick)
        way.times += 1
        assert self._transport is not None
        self._transport.write(b"".join((way.prefix, target, shared.tail, request_id, b"\r\n\r\n")))
        self.seen_at = 0.0
        if shared.log.enabled:
            shared.log.add(request_id, self._client_text, target, way.choice)
        if shared.record is not None:
            shared.record(request_id, target, pick, self._origin[0])

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

    def _find_end(self, data: bytes) -> bytes:
        start = data.find(_VERSION)
        end = self._shared.known_end(data[start:]) if start >= 0 else b""
        if end:
            self._end = end
        return end

    def _settle_place(self) -> None:
        shared = self._shared
        place = shared.realm.locator.locate(self._address)
        self._version = shared.realm.locator.version
        self._country = place.country
        self._chooser = shared.realm.families.chooser(self._address)
        self._order = self._chooser.order(place)
        self._origin = (place.source.value, self._order.square)
        self._ways = shared.ways.setdefault(self._origin, {})


def _key_of(target: bytes) -> bytes:
    """What placement hashes; empty for a target that is not surely an object's."""
    if _TARGET.fullmatch(target) is None or b"/." in target:
        return b""
    path = target.partition(b"?")[0]
    segment = path[1:].partition(b"/")[0]
    if not segment or segment in _RESERVED or b"%" in segment:
        return b""
    return split_token_path(path.decode())[1].encode() if segment[0] == 0x7E else path
