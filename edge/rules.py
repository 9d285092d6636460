"""From settings to the index of each disk."""

from __future__ import annotations

from config.eviction import Eviction
from config.topology import EdgeNode
from edge.cache.disk import Disk
from edge.cache.index import PINNED_SHARE, BlockIndex
from edge.cache.keeping import NewIndex
from edge.cache.policy.named import Rule, order_maker


def index_maker(node: EdgeNode) -> NewIndex:
    """What makes the index of each of a node's disks: by the disk's own settings or the node's.

    Films placed are pinned, so that pins may take their share of a disk at least.
    """
    pinned_share = max(PINNED_SHARE, node.settings.fill.share)
    by_path = {disk.path: disk.eviction or node.settings.eviction for disk in node.disks}

    def new_index(disk: Disk) -> BlockIndex:
        eviction = by_path.get(str(disk.path), node.settings.eviction)
        return BlockIndex(disk.size_bytes, order_maker(_rule(eviction)), pinned_share)

    return new_index


def _rule(eviction: Eviction) -> Rule:
    return Rule(
        eviction.policy,
        eviction.admission,
        eviction.window_seconds,
        eviction.half_life_seconds,
    )
