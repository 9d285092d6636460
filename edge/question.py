"""What is asked of an upstream for the store: the client's request without what is its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cdnkit.fields import Pair
from edge.http1.request import Request
from edge.onward import shared_pairs


@dataclass(frozen=True, slots=True)
class Question:
    """`asked` is the part, None for everything; `epoch` the moment of asking."""

    target: bytes
    request: Request
    pairs: Sequence[Pair]
    asked: tuple[int, int] | None
    epoch: int

    @classmethod
    def about(cls, target: bytes, request: Request, epoch: int) -> Question:
        """Everything of a target, in the words of a client."""
        return cls(target, request, shared_pairs(request), None, epoch)

    def of_part(self, asked: tuple[int, int]) -> Question:
        """The same of bytes [start, stop) alone, unencoded: offsets of a compressed stream are of
        no use to whoever asks for the film's (RFC 9110 12.5.3, 14.2)."""
        kept = [pair for pair in self.pairs if pair[0] != b"accept-encoding"]
        return replace(self, asked=asked, pairs=[*kept, (b"accept-encoding", b"identity")])
