"""The application of a tier: its routes, surrounded by what every tier owes.

Request ids, access log, metrics, errors as problem+json, /livez /readyz /metrics. It binds no
port (`cdnkit.service.run`) and knows no route of its own beyond those three.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from aiohttp import web

from cdnkit.service.health import Health
from cdnkit.service.logs import AccessLog
from cdnkit.service.metrics import Telemetry
from cdnkit.service.middleware import (
    Authorize,
    account_requests,
    answer_errors,
    identify_requests,
    new_request_id,
    stamp_answers,
)
from cdnkit.wire import METRICS_PATH

HEALTH: Final = web.AppKey("health", Health)
TELEMETRY: Final = web.AppKey("telemetry", Telemetry)
ACCESS_LOG: Final = web.AppKey("access_log", AccessLog)

BODY_BYTES_MAX: Final = 1 << 20


def build_app(
    *,
    tier: str,
    name: str,
    telemetry: Telemetry,
    health: Health,
    routes: Iterable[web.AbstractRouteDef] = (),
    authorize: Authorize | None = None,
    access_log: AccessLog | None = None,
    client_max_size: int = BODY_BYTES_MAX,
    clock: Callable[[], float] = time.monotonic,
    make_id: Callable[[], str] = new_request_id,
) -> web.Application:
    """An application with `routes` and everything that all tiers share.

    `authorize` is called before every handler but /livez and /readyz, and raises to refuse.
    `client_max_size` bounds `request.read()`; a streamed body is bounded by its handler. The
    access log is opened and closed with the application.
    """
    log = access_log or AccessLog(None)
    app = web.Application(
        middlewares=(
            identify_requests(make_id),
            account_requests(tier, name, telemetry, health, log, clock),
            answer_errors(telemetry, authorize),
        ),
        client_max_size=client_max_size,
    )
    app[HEALTH] = health
    app[TELEMETRY] = telemetry
    app[ACCESS_LOG] = log
    app.on_response_prepare.append(stamp_answers(health))
    app.cleanup_ctx.append(_with_log)
    app.add_routes(health.routes())
    app.add_routes([web.get(METRICS_PATH, _get_metrics)])
    app.add_routes(routes)
    return app


async def _with_log(app: web.Application) -> AsyncIterator[None]:
    async with app[ACCESS_LOG]:
        yield


async def _get_metrics(request: web.Request) -> web.Response:
    content_type, body = request.app[TELEMETRY].render()
    headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return web.Response(body=body, headers=headers)
