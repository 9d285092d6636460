"""Puts together one worker's part in its box, or what stands for it in a worker that is alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from edge.box.asking import Owners
from edge.box.box import Box
from edge.box.changes import Changes, ChangesEverywhere, ChangesHere, make_change
from edge.box.greeting import Greeting
from edge.box.neighbours import Neighbours
from edge.box.sockets import Sockets
from edge.cache.holdings import Holdings
from edge.exchange import Exchange
from edge.upstream.limits import PoolLimits


@dataclass(frozen=True, slots=True)
class Joined:
    """`box` and `greet` are None in a worker that is alone."""

    changes: Changes
    box: Box | None = None
    greet: Callable[[Exchange], Awaitable[None]] | None = None


def join(
    number: int,
    sockets: Sockets | None,
    holdings: Holdings,
    limits: PoolLimits,
    now: Callable[[], float],
) -> Joined:
    """The part of worker `number`; alone without sockets."""
    if sockets is None:
        return Joined(ChangesHere(holdings))
    neighbours = Neighbours(number, sockets, partial(make_change, holdings))
    box = Box(neighbours, Owners(neighbours, sockets, limits), holdings, now)
    return Joined(ChangesEverywhere(neighbours), box, Greeting(neighbours))
