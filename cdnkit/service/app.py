"""The application of a tier: its routes, surrounded by what every tier owes.

Request ids, access log, metrics, errors as problem+json, /livez /readyz /metrics, and where the
tier has an API, its description. It binds no port (`cdnkit.service.run`) and knows no other route.
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
from cdnkit.service.operations import AUTHORIZE, Answer, operation
from cdnkit.service.reference import Reference
from cdnkit.service.viewers import FIND_VIEWER, FindViewer
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
    authorize_scope: Callable[[web.Request, str], object] | None = None,
    find_viewer: FindViewer | None = None,
    reference: Reference | None = None,
    access_log: AccessLog | None = None,
    client_max_size: int = BODY_BYTES_MAX,
    clock: Callable[[], float] = time.monotonic,
    make_id: Callable[[], str] = new_request_id,
) -> web.Application:
    """An application with `routes` and everything that all tiers share.

    `authorize` is called before every handler but /livez and /readyz, and raises to refuse;
    `authorize_scope` before those that declare a scope, `find_viewer` before those that take a
    viewer.
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
    if authorize_scope is not None:
        app[AUTHORIZE] = authorize_scope
    if find_viewer is not None:
        app[FIND_VIEWER] = find_viewer
    app.on_response_prepare.append(stamp_answers(health))
    app.cleanup_ctx.append(_with_log)
    app.add_routes(health.routes())
    app.add_routes([web.get(METRICS_PATH, _get_metrics)])
    if reference is not None:
        app.add_routes(reference.routes())
    app.add_routes(routes)
    return app


async def _with_log(app: web.Application) -> AsyncIterator[None]:
    async with app[ACCESS_LOG]:
        yield


@operation(
    answers={200: Answer("Prometheus text or OpenMetrics.", None, "text/*")},
    tag="process",
)
async def _get_metrics(request: web.Request) -> web.StreamResponse:
    """Figures of this process for Prometheus."""
    content_type, body = request.app[TELEMETRY].render()
    headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return web.Response(body=body, headers=headers)
