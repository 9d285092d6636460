"""From settings to the index of each disk."""

from __future__ import annotations

from collections.abc import Sequence

from config.eviction import Eviction
from config.topology import EdgeNode
from edge.cache.disk import Disk
from edge.cache.index import PINNED_SHARE, BlockIndex
from edge.cache.keeping import NewIndex
from edge.cache.policy.kinds import Kinds
from edge.cache.policy.named import Rule, order_maker
from edge.cache.policy.shares import sharing


def index_maker(node: EdgeNode) -> NewIndex:
    """What makes the index of each of a node's disks: by the disk's own settings or the node's.

    Films placed are pinned, so that pins may take their share of a disk at least.
    """
    pinned_share = max(PINNED_SHARE, node.settings.fill.share)
    by_path = {disk.path: disk.eviction or node.settings.eviction for disk in node.disks}

    def new_index(disk: Disk) -> BlockIndex:
        eviction = by_path.get(str(disk.path), node.settings.eviction)
        shares = [(each.prefix, each.share) for each in eviction.shares]
        return shared_index(disk.size_bytes, _rule(eviction), shares, pinned_share)

    return new_index


def shared_index(
    capacity_bytes: int,
    rule: Rule,
    shares: Sequence[tuple[str, float]] = (),
    pinned_share: float = PINNED_SHARE,
) -> BlockIndex:
    """An index under a rule; `shares` are parts of one by the prefix of kinds of content."""
    make_order = order_maker(rule)
    if not shares:
        return BlockIndex(capacity_bytes, make_order, pinned_share)
    kinds = Kinds([prefix.encode() for prefix, _ in shares])
    shared = sharing(make_order, [share for _, share in shares], kinds)
    return BlockIndex(capacity_bytes, shared, pinned_share, kinds)


def _rule(eviction: Eviction) -> Rule:
    return Rule(
        eviction.policy,
        eviction.admission,
        eviction.window_seconds,
        eviction.half_life_seconds,
    )
