"""Costs of titles over HTTP.

POST  /v1/traffic                                 a lot of an edge                204
GET   /v1/costs?from=&to=&by=title|edge|day       rows, the dearest first         200
GET   /v1/costs.csv                               the same for spreadsheets       200
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from aiohttp import web

from cdnkit.errors import BadRequestError, CinedgeError
from cdnkit.service.operations import JSON_TYPE
from cdnkit.wire import COSTS_PATH, TRAFFIC_PATH, Traffic
from config.topology import Topology
from origin.catalog.database import Database
from origin.catalog.traffic import Summed, TrafficRow, forget, sums, take_lot
from origin.costs import declared
from origin.costs.pricing import Cost, PriceList, costs_of, price_list, total_of
from origin.costs.table import COST_DECIMALS, CSV_TYPE, write_csv

_DAYS_SHOWN: Final = 30
_CLEAN_SECONDS: Final = 3600.0


class CostHandlers:
    """Keeps what edges report, and shows what it costs."""

    def __init__(
        self,
        topology: Topology,
        database: Database,
        report: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._report = report
        self._now = now
        self.adopt(topology)

    def adopt(self, topology: Topology) -> None:
        """From now on these are the prices, also of bytes that were counted before."""
        self._prices = price_list(topology)
        self._days_kept = topology.costs.days_kept

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        as_csv = declared.showing(CSV_TYPE)(partial(self.show, True))
        return [
            web.post(TRAFFIC_PATH, self.take),
            web.get(COSTS_PATH, declared.showing()(partial(self.show, False))),
            web.get(COSTS_PATH + ".csv", as_csv),
        ]

    async def run(self) -> None:
        """Delete what is too old, now and then, until cancelled."""
        while True:
            try:
                await self.clean()
            except CinedgeError as error:
                self._report(f"old bytes of titles were not deleted: {error.detail}")
            await asyncio.sleep(_CLEAN_SECONDS)

    async def clean(self) -> None:
        """Delete days that are not to be kept any more. Raises UnavailableError."""
        now = self._now()
        first = _day_of(now) - timedelta(days=self._days_kept - 1)
        await forget(self._database, first.isoformat(), now)

    @declared.take_traffic
    async def take(self, request: web.Request, body: declared.TrafficLot) -> web.StreamResponse:
        """Bytes that a worker of an edge has counted since it last told them."""
        rows = [TrafficRow(row.day, row.title, Traffic(row.kind), row.bytes) for row in body.rows]
        life, _, number = body.lot.rpartition("-")
        await take_lot(self._database, life, int(number), body.edge, rows, self._now())
        return web.Response(status=204)

    async def show(
        self, as_csv: bool, request: web.Request, query: declared.CostsQuery
    ) -> web.StreamResponse:
        """What titles cost on some days, by title, edge or day."""
        prices, days = self._prices, _days_of(query, self._now())
        summed = await sums(self._database, *days, query.by, prices.groups)
        as_csv = as_csv or _prefers_csv(request)
        # Tens of thousands of titles take a second, in which the loop has films to send.
        write = _write_csv if as_csv else _write_json
        text = await asyncio.to_thread(write, summed, prices, days, query)
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        if not as_csv:
            return web.Response(text=text, content_type=JSON_TYPE, headers=headers)
        name = f"costs-{query.by}-{days[0]}-{days[1]}.csv"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return web.Response(text=text, content_type=CSV_TYPE, charset="utf-8", headers=headers)


def _days_of(query: declared.CostsQuery, now: float) -> tuple[str, str]:
    """The first and the last day asked for. Raises BadRequestError."""
    last = query.last or _day_of(now)
    shown = min(_DAYS_SHOWN, last.toordinal())
    first = query.first or last - timedelta(days=shown - 1)
    if first > last:
        raise BadRequestError("'from' is not after 'to'")
    return first.isoformat(), last.isoformat()


def _rows(summed: Iterable[Summed], prices: PriceList, by: str) -> list[Cost]:
    costs = costs_of(summed, prices)
    if by == "day":
        costs.sort(key=lambda each: each.key)
    return costs


def _write_csv(
    summed: Iterable[Summed], prices: PriceList, days: tuple[str, str], query: declared.CostsQuery
) -> str:
    return write_csv(_rows(summed, prices, query.by)[: query.limit], query.by, prices.currency)


def _write_json(
    summed: Iterable[Summed], prices: PriceList, days: tuple[str, str], query: declared.CostsQuery
) -> str:
    costs = _rows(summed, prices, query.by)
    limit = query.limit or declared.LIMIT_DEFAULT
    body = {
        "from": days[0],
        "to": days[1],
        "by": query.by,
        "currency": prices.currency,
        "items": [_view(each) for each in costs[:limit]],
        "left_out": max(0, len(costs) - limit),
        "total": _view(total_of(costs)),
    }
    return json.dumps(body)


def _view(cost: Cost) -> dict[str, Any]:
    kinds = {
        f"{kind.value.replace('-', '_')}_bytes": size_bytes
        for kind, size_bytes in cost.size_bytes.items()
    }
    return {"key": cost.key, **kinds, "cost": round(cost.cost, COST_DECIMALS)}


def _day_of(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def _prefers_csv(request: web.Request) -> bool:
    """The first type named wins: who wants a table asks for nothing else."""
    first = request.headers.get("Accept", "").partition(",")[0]
    return first.partition(";")[0].strip().lower() == CSV_TYPE
