"""Parts of a worker that follow from its node alone, or nearly so; `edge.app` wires them."""

from __future__ import annotations

import gc
import random
import secrets
from pathlib import Path

from cdnkit.service.logs import AccessLog
from config.topology import EdgeNode
from edge.cache.disk import Disk
from edge.cache.loading import Loading
from edge.cmsd import Cmsd
from edge.entry_answer import EntryAnswers
from edge.fastlane import FastLane
from edge.lanelog import lane_log_of
from edge.rulebook import Rules
from edge.targets import Targets


def make_disks(node: EdgeNode, shelves: range) -> list[Disk]:
    """The disks of a node, with these shelves of each."""
    return [Disk(Path(disk.path), disk.size_bytes, shelves=shelves) for disk in node.disks]


def make_cmsd(node: EdgeNode) -> Cmsd | None:
    """What tells players of the way to them; None where they are told nothing."""
    return Cmsd(node.name) if node.settings.cmsd else None


def make_lane(
    node: EdgeNode,
    rules: Rules,
    answers: EntryAnswers,
    log: AccessLog,
    targets_max: int,
    cmsd: Cmsd | None = None,
) -> FastLane:
    """The fast lane of a worker; with `targets_max` 0 it answers nothing."""
    prefix = secrets.token_hex(6).encode() + b"-f"
    lane_log = None
    if log.enabled:
        lane_log = lane_log_of(node.name, prefix, node.settings.log_sample_ratio, random.random)
    targets = Targets(targets_max)
    recalls = rules.repeats_at_once
    return FastLane(answers.lane_heads, prefix, lane_log, targets, recalls, cmsd)


def calm_collector(loading: Loading) -> None:
    """Requests make next to no cycles: what lives now stays, and the rest is looked at rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    loading.ended.add_done_callback(lambda _: gc.freeze())
