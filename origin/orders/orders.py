"""From what a caller asks to what the journal tells the edges, and which of them have to answer.

Titles become keys and prefixes here, so that an entry holds everything an edge needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, assert_never

from cdnkit.errors import BadRequestError
from cdnkit.wire import ChangeKind
from config.topology import EdgeNode
from origin.catalog.orders import Orders
from origin.orders.asked import (
    KeepAsked,
    PurgeAsked,
    Where,
    parse_pin,
    parse_purge,
    parse_warm,
)
from origin.orders.titles import TitleParts, Wanted

KNOWN_SECONDS: Final = 86400.0
"""An edge that no topology names is expected to answer for so long after it last followed."""


@dataclass(frozen=True, slots=True)
class Given:
    """The detail of the journal entry, and the edges expected to answer."""

    detail: Mapping[str, Any]
    edges: tuple[str, ...]


class Maker:
    """Makes orders. `nodes` are the edges the topology names."""

    def __init__(
        self,
        orders: Orders,
        titles: TitleParts,
        nodes: tuple[EdgeNode, ...],
        now: Callable[[], float],
    ) -> None:
        self._orders = orders
        self._titles = titles
        self.adopt(nodes)
        self._now = now

    def adopt(self, nodes: tuple[EdgeNode, ...]) -> None:
        """From now on the topology names these."""
        self._sites = {node.name: node.site for node in nodes}

    async def make(self, kind: ChangeKind, body: Mapping[str, Any]) -> Given:
        """Raises BadRequestError, ConflictError, UnavailableError."""
        match kind:
            case ChangeKind.PURGE:
                return await self._purge(parse_purge(body))
            case ChangeKind.WARM:
                asked = parse_warm(body)
                detail = {
                    "bytes_per_second": asked.bytes_per_second,
                    "concurrency": asked.concurrency,
                    "from_at": asked.from_at,
                    "until_at": asked.until_at,
                }
                return await self._keep(asked, detail)
            case ChangeKind.PIN | ChangeKind.UNPIN:
                return await self._keep(parse_pin(body), {})
            case ChangeKind.PUBLISH | ChangeKind.DELETE | ChangeKind.RESTORED:
                raise BadRequestError("no order tells this")
            case _:
                assert_never(kind)

    async def _purge(self, asked: PurgeAsked) -> Given:
        things = asked.things
        keys, prefixes = [*things.objects], [*things.prefixes]
        for title_id in things.titles:
            more_keys, more_prefixes = self._titles.names_of(title_id)
            keys += more_keys
            prefixes += more_prefixes
        detail = {
            "keys": keys,
            "prefixes": prefixes,
            "tags": [*things.tags],
            "all": things.everything,
            "soft": asked.soft,
            "refresh_per_second": asked.refresh_per_second,
        }
        return Given(detail, tuple(sorted(await self._known())))

    async def _keep(self, asked: KeepAsked, detail: Mapping[str, Any]) -> Given:
        wanted = [Wanted(key, stop_bytes) for key, stop_bytes in asked.parts]
        wanted += [Wanted(key, asked.part.stop_bytes) for key in asked.things.objects]
        if asked.part.seconds is not None and (asked.things.objects or asked.things.prefixes):
            raise BadRequestError("'seconds' is for titles; of objects say 'bytes'")
        for title_id in asked.things.titles:
            wanted += await self._titles.wanted(title_id, asked.part)
        for prefix in asked.things.prefixes:
            wanted += self._titles.under(prefix, asked.part)
        edges = await self._edges_at(asked.where)
        detail = {
            **detail,
            "objects": [{"key": each.key, "stop_bytes": each.stop_bytes} for each in wanted],
            "edges": None if asked.where == Where((), ()) else [*edges],
        }
        return Given(detail, edges)

    async def _known(self) -> set[str]:
        return {*self._sites, *await self._orders.seen(self._now() - KNOWN_SECONDS)}

    async def _edges_at(self, where: Where) -> tuple[str, ...]:
        known = await self._known()
        if where == Where((), ()):
            return tuple(sorted(known))
        for edge in where.edges:
            if edge not in known:
                raise BadRequestError(f"no edge {edge[:80]!r} is known here")
        for site in where.sites:
            if site not in self._sites.values():
                raise BadRequestError(f"no edge stands in a site {site[:80]!r}")
        at_sites = {edge for edge, site in self._sites.items() if site in where.sites}
        return tuple(sorted({*where.edges, *at_sites}))
