"""From settings to the index of each disk."""

from __future__ import annotations

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
        make_order = order_maker(_rule(eviction))
        if not eviction.shares:
            return BlockIndex(disk.size_bytes, make_order, pinned_share)
        kinds = Kinds([each.prefix.encode() for each in eviction.shares])
        shared = sharing(make_order, [each.share for each in eviction.shares], kinds)
        return BlockIndex(disk.size_bytes, shared, pinned_share, kinds)

    return new_index


def _rule(eviction: Eviction) -> Rule:
    return Rule(
        eviction.policy,
        eviction.admission,
        eviction.window_seconds,
        eviction.half_life_seconds,
    )
