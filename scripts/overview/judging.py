"""What is wrong with what was seen of an installation: a list of small judgements.

Each judgement takes one process and all of them and says troubles, which make the installation
not well, and notes, which do not. What an operator wished for (a drained edge) is a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.wire import Outcome
from config.topology import EdgeNode
from scripts.change.looking import TAKES_VIEWERS
from scripts.overview.looking import Seen

_FAILING_SHARE: Final = 0.05
_FULL: Final = 1.0
_HITS: Final = (Outcome.HIT, Outcome.STALE, Outcome.REVALIDATED)
_ROUTED: Final = TAKES_VIEWERS | {"draining"}


@dataclass(frozen=True, slots=True)
class Said:
    """One thing to be told; `grave` when the installation is not well because of it."""

    text: str
    grave: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One process of the table. What is not known is None."""

    tier: str
    name: str
    site: str
    url: str
    state: str
    load: float | None
    streams: int | None
    egress_bits_per_second: float | None
    hit_ratio: float | None
    held_bytes: float | None
    disk_bytes: int | None
    version: str
    topology: str
    troubles: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def well(self) -> bool:
        """Nothing is wrong with it."""
        return not self.troubles


def judge(all_seen: Sequence[Seen], digest: str) -> list[Row]:
    """A row for each process; `digest` names the topology file all should go by."""
    return [_row(seen, all_seen, digest) for seen in all_seen]


def hit_ratio(seen: Seen) -> float | None:
    """Share of the bytes of content an edge sent since its start that it had at hand."""
    figures, name = seen.figures, "cinedge_edge_sent_bytes_total"
    sent = (figures.total(name) or 0) - (figures.total(name, outcome=Outcome.OWN.value) or 0)
    if not sent:
        return None
    hits = [figures.total(name, outcome=each.value) for each in _HITS]
    return sum(filter(None, hits)) / sent


def _row(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Row:
    node = seen.node
    said = [each for judgement in _JUDGEMENTS for each in judgement(seen, all_seen, digest)]
    disks = node.disks if isinstance(node, EdgeNode) else ()
    return Row(
        tier=seen.tier,
        name=node.name,
        site=node.site if isinstance(node, EdgeNode) else "",
        url=seen.url,
        state="no answer" if seen.error else str(seen.readiness.get("status", "?")),
        load=seen.readiness.get("load"),
        streams=seen.readiness.get("streams"),
        egress_bits_per_second=seen.readiness.get("egress_bits_per_second"),
        hit_ratio=hit_ratio(seen),
        held_bytes=seen.figures.total("cinedge_edge_held_bytes"),
        disk_bytes=sum(disk.size_bytes for disk in disks) or None,
        version=seen.figures.label("cinedge_build_info", "version"),
        topology=str(seen.readiness.get("topology", "")),
        troubles=tuple(each.text for each in said if each.grave),
        notes=tuple(each.text for each in said if not each.grave),
    )


def _answers(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    if seen.error:
        yield Said(f"does not answer at {seen.url}: {seen.error}")


def _is_ready(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    if seen.error:
        return
    status = seen.readiness.get("status")
    if status == "loading":
        share = seen.readiness.get("loaded", 0)
        yield Said(f"still finds what its disks hold, {share:.0%} so far", grave=False)
    elif status == "draining" and isinstance(seen.node, EdgeNode):
        yield Said("drained: takes no new viewers", grave=False)
    elif not seen.ready and status != "failing":
        yield Said(f"is {status}")
    for name, result in seen.readiness.get("checks", {}).items():
        if result != "ok":
            yield Said(f"{name}: {result}")


def _has_room(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    load = seen.readiness.get("load") or 0
    if load >= _FULL:
        yield Said(f"is full: load {load:.2f}")
    failing = seen.readiness.get("failing") or 0
    if failing >= _FAILING_SHARE:
        yield Said(f"{failing:.0%} of its answers are server errors")


def _disks_are_sound(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    spoilt = seen.figures.total("cinedge_edge_corrupt_blocks_total")
    if spoilt:
        yield Said(f"{spoilt:.0f} blocks were spoilt on its disks since its start", grave=False)


def _goes_by_the_file(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    own = seen.readiness.get("topology")
    if own and own != digest:
        yield Said(f"goes by another topology ({own}, the file is {digest})")


def _runs_what_others_run(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    own = _version(seen)
    usual = Counter(filter(None, map(_version, all_seen))).most_common(1)
    if own and usual and own != usual[0][0]:
        yield Said(f"runs {own}, most run {usual[0][0]}", grave=False)


def _is_routed_to(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    for router in all_seen:
        for edge in router.fleet.get("edges", ()):
            if edge["name"] == seen.node.name and edge["state"] not in _ROUTED:
                reason = f", {edge['reason']}" if edge.get("reason") else ""
                yield Said(f"router {router.node.name} sends nobody: {edge['state']}{reason}")


def _routes_to_somebody(seen: Seen, all_seen: Sequence[Seen], digest: str) -> Iterator[Said]:
    edges: list[dict[str, Any]] = seen.fleet.get("edges", [])
    if edges and not any(edge["state"] in TAKES_VIEWERS for edge in edges):
        yield Said("has no edge to send viewers to")


Judgement = Callable[[Seen, Sequence[Seen], str], Iterator[Said]]

_JUDGEMENTS: Final[tuple[Judgement, ...]] = (
    _answers,
    _is_ready,
    _has_room,
    _is_routed_to,
    _routes_to_somebody,
    _goes_by_the_file,
    _runs_what_others_run,
    _disks_are_sound,
)


def _version(seen: Seen) -> str:
    return seen.figures.label("cinedge_build_info", "version")
