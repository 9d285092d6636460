"""How the edges of one topology know each other: a signed field on each question between them.

Whoever is admitted by it needs no playback token, is not paced, and speaks for a viewer whom it
has let in itself. The field is good for one target, one receiver and a short time, so that the key
never travels and a copy of it is worth no more than what it was sent for. It also says how far the
sender has heard of changes: who knows less does not answer, or what was purged at the sender could
come back from there. Refusing costs nothing: the sender asks the next tier.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cdnkit.errors import CinedgeError
from cdnkit.fields import FieldLines, Pair
from edge.exchange import Exchange
from edge.onward import HEARD_FIELD, HOP_FIELD

LIFE_SECONDS: Final = 60
"""How long a signature is good, and so how far the clocks of two edges may be apart."""
_READS: Final = (b"GET", b"HEAD")


class HopRefusedError(CinedgeError):
    """This edge does not answer that question of another one (RFC 9110 15.5.20)."""

    status = 421
    code = "hop-refused"


class Followed(Protocol):
    """The journal of an origin, as far as this edge has it."""

    @property
    def heard(self) -> int:
        """How far it was read."""

    @property
    def sequence(self) -> int:
        """How far it was acted on."""

    async def has_acted_on(self, sequence: int) -> bool:
        """Wait a moment for it."""


@dataclass(frozen=True, slots=True)
class Hop:
    """What the field says: who asks whom, until when, and how far the sender has heard.

    `heard` has one sequence for each origin of the topology, in its order.
    """

    sender: str
    receiver: str
    expires_at: int
    heard: tuple[int, ...]


def format_hop(hop: Hop, target: bytes, key_id: str, key: bytes) -> bytes:
    """The field's value, signed for `target`."""
    who = f"{hop.sender} {hop.receiver} {hop.expires_at}".encode()
    text = b"%b %b %b" % (who, _format_sequences(hop.heard), key_id.encode())
    return text + b" " + _signature(text, target, key)


def parse_hop(value: bytes, target: bytes, keys: Mapping[str, bytes]) -> Hop:
    """What the field says, if one of our keys has signed it for `target`.

    Raises HopRefusedError.
    """
    text, _, signature = value.rpartition(b" ")
    words = text.decode("latin-1").split(" ")
    key = keys.get(words[-1], b"")
    if not key or not hmac.compare_digest(_signature(text, target, key), signature):
        raise HopRefusedError("the question of another edge is not signed by a key known here")
    sender, receiver, expires_at, heard, _ = words
    return Hop(sender, receiver, int(expires_at), _parse_sequences(heard.encode()))


def _format_sequences(sequences: Sequence[int]) -> bytes:
    return ",".join(map(str, sequences)).encode() or b"-"


def _parse_sequences(value: bytes | None) -> tuple[int, ...]:
    return () if value in (None, b"-") else tuple(map(int, value.split(b",")))


def _signature(text: bytes, target: bytes, key: bytes) -> bytes:
    # The label keeps what is signed here apart from playback tokens, which use the same keys.
    signed = b"cinedge-hop\n%b\n%b" % (text, target)
    return hmac.digest(key, signed, "sha256").hex().encode()


class Hops:
    """Signs this edge's questions to others, and admits theirs.

    The first of `keys` signs, all verify. `is_asked_for` says whether a target is for this edge.
    """

    def __init__(
        self,
        node: str,
        keys: Mapping[str, bytes],
        is_asked_for: Callable[[bytes], bool],
        now: Callable[[], float],
    ) -> None:
        self.feeds: Sequence[Followed] = ()
        self._node = node
        self._keys = keys
        self._key_id = next(iter(keys))
        self._is_asked_for = is_asked_for
        self._now = now

    def sign(self, receiver: str, target: bytes) -> Pair:
        """The field for a question to another edge."""
        hop = Hop(self._node, receiver, int(self._now()) + LIFE_SECONDS, self._heard())
        return HOP_FIELD, format_hop(hop, target, self._key_id, self._keys[self._key_id])

    def heard(self) -> Pair:
        """The field for a question to another worker of this box, which must know as much."""
        return HEARD_FIELD, _format_sequences(self._heard())

    def _heard(self) -> tuple[int, ...]:
        return tuple(feed.heard for feed in self.feeds)

    async def admit(self, exchange: Exchange, target: bytes) -> bool:
        """Take in a question of another edge or worker; False when this is none.

        Raises HopRefusedError.
        """
        request = exchange.request
        if exchange.connection.neighbour:
            # Known by its socket. One that asks for an edge has found itself that it knows enough.
            await self._has_acted_on(_parse_sequences(request.fields.first(HEARD_FIELD)))
            return True
        value = request.fields.first(HOP_FIELD)
        exchange.connection.inner = value is not None
        if value is None:
            return False
        request.pairs = [pair for pair in request.pairs if pair[0] != HOP_FIELD]
        request.fields = FieldLines(request.pairs)
        hop = parse_hop(value, target, self._keys)
        if hop.receiver != self._node or request.method not in _READS:
            raise HopRefusedError("the question is for another edge")
        if not 0 < hop.expires_at - self._now() <= 2 * LIFE_SECONDS:
            raise HopRefusedError("the question's time is over, or clocks are apart")
        if not self._is_asked_for(target):
            raise HopRefusedError("another edge of the site has this object")
        if not await self._has_acted_on(hop.heard):
            raise HopRefusedError("this edge has not heard yet of all that the other has")
        return True

    async def _has_acted_on(self, heard: tuple[int, ...]) -> bool:
        if len(heard) != len(self.feeds):
            return False
        for feed, sequence in zip(self.feeds, heard, strict=True):
            if feed.sequence < sequence and not await feed.has_acted_on(sequence):
                return False
        return True
