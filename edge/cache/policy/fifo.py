"""First in, first out, whatever is used: the least that a rule can do."""

from __future__ import annotations

from edge.cache.policy.order import RingOrder


class Fifo(RingOrder):
    """The ring is the order of arrival."""

    name = "fifo"
